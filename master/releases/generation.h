// A generation's immutable snapshot: everything that its workers are started from.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/scoreboard.h"
#include "config/config.h"
#include "master/core/ids.h"
#include "master/core/policy.h"
#include "master/handoff/inbox.h"
#include "master/handoff/listener_split.h"
#include "master/notify/arguments.h"
#include "master/sockets/listener.h"
#include "master/spawn/executable.h"
#include "master/spawn/pinned_directory.h"

namespace sup {

struct Generation {
    core::GenerationId id{};
    config::Config config;
    std::shared_ptr<const Executable> executable;
    std::shared_ptr<const PinnedDirectory> directory;
    Arguments arguments;
    Listeners listeners;
    std::shared_ptr<Inbox> inbox;  // always this object, but it can be renewed
    std::shared_ptr<const Scoreboard> scoreboard;
    std::chrono::system_clock::time_point prepared_at;
};

// The resolved command: program and arguments, with placeholders.
std::vector<std::string> command_of(const Generation& generation);

// The folder that tells one release from another: the program's; or the working directory, if the program
// belongs to the system, was found in PATH, lies below that directory, or is an interpreter.
std::string release_of(const Generation& generation);

// Why a worker that starts now would run other files than the generation did at first: one sentence each,
// without a full stop.
std::vector<std::string> changes_of(const Generation& generation);

// A generation must live at least this long after it is ready, whatever `reload.soak` says: a program that
// announces itself and then dies is not a release.
inline constexpr Duration shortest_soak{10};

// If `reload.soak` is not given: long enough to catch a server that says it is ready before its workers load
// the application, and die.
inline constexpr Duration default_soak{1'000};

// What the core bases its decisions on.
core::Policy policy_of(const config::Config& config);

// For the worker in `slot` when it drains; the successor has `successor_slots` slots now. Without a
// successor, all listeners are retired.
ListenerSplit split_listeners(const Generation& generation, core::Slot slot, const Generation* successor,
                              std::size_t successor_slots);

// What a reload to `next` does to the clients in the queues of `reuseport` listeners that get fewer sockets:
// a warning for each, or none. `serving` is the generation that is active.
std::vector<std::string> describe_surplus_sockets(const Generation& next, const Generation& serving);

}  // namespace sup
