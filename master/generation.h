// A generation's immutable snapshot: everything that its workers are started from.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "master/core/ids.h"
#include "master/core/policy.h"
#include "master/process/executable.h"
#include "master/process/listener.h"
#include "master/process/pinned_directory.h"

namespace sup {

struct Generation {
    core::GenerationId id{};
    config::Config config;
    std::shared_ptr<const Executable> executable;
    std::shared_ptr<const PinnedDirectory> directory;
    Listeners listeners;
    std::chrono::system_clock::time_point prepared_at;
};

// What the core decides by.
core::Policy policy_of(const config::Config& config);

// The names of the generation's listeners whose socket `other` has too, and of those whose socket it has not.
// Without another generation, all are retired.
struct ListenerSplit {
    std::vector<std::string> shared;
    std::vector<std::string> retired;
};
ListenerSplit split_listeners(const Generation& generation, const Generation* other);

}  // namespace sup
