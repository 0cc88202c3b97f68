// The environment of a worker. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/duration.h"
#include "config/config.h"
#include "master/core/ids.h"
#include "master/notify/worker_facts.h"

namespace sup {

struct WorkerVariables {
    std::string instance;
    core::GenerationId generation{};
    core::Slot slot = 0;
    int drain_signal = 15;
    Duration drain_timeout{0};
    std::string notify_socket;  // empty: none
    std::string ack_socket;     // empty: none
    std::string directory;      // PWD, unless it is configured; empty: as inherited
    std::vector<config::Protocol> protocols;
    std::vector<ListenerFacts> listeners;  // in the order of the descriptors
};

// For placeholders.
WorkerFacts worker_facts(const WorkerVariables& variables);

// argv, with `argv0` as it is.
std::vector<std::string> worker_arguments(const std::string& argv0,
                                          const std::vector<config::Template>& arguments,
                                          const WorkerFacts& facts);

// "KEY=value" entries, sorted by key: `inherited` without what spoke to the master and not to its workers
// (LISTEN_*, WATCHDOG_*, NOTIFY_SOCKET, sup's own, and those of every protocol), then what the protocols say,
// then `configured`, then sup's variables, which the configuration cannot override. LISTEN_PID is left to
// spawn(), which alone can know it; without listeners there is no LISTEN_ variable.
std::vector<std::string> worker_environment(const std::vector<std::string>& inherited,
                                            const std::map<std::string, config::Template>& configured,
                                            const WorkerVariables& variables);

// The same without sup's variables: what PATH is looked up in before there is a worker.
std::vector<std::string> base_environment(const std::vector<std::string>& inherited,
                                          const std::map<std::string, config::Template>& configured);

// Whether a name belongs to sup: an entry for it in the configuration has no effect.
bool is_reserved_variable(std::string_view name);

// This process's environment.
std::vector<std::string> current_environment();

}  // namespace sup
