// The environment of a worker. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/duration.h"
#include "master/core/ids.h"

namespace sup {

struct WorkerVariables {
    std::string instance;
    core::GenerationId generation{};
    core::Slot slot = 0;
    int drain_signal = 15;
    Duration drain_timeout{0};
    std::string notify_socket;                // empty: none
    std::vector<std::string> listener_names;  // in the order of the descriptors
};

// "KEY=value" entries, sorted by key: `inherited` without what spoke to the master and not to its workers
// (LISTEN_*, WATCHDOG_*, NOTIFY_SOCKET, and sup's own), then `configured`, then sup's variables, which the
// configuration cannot override. LISTEN_PID is left to spawn(), which alone can know it; without listeners
// there is no LISTEN_ variable.
std::vector<std::string> worker_environment(const std::vector<std::string>& inherited,
                                            const std::map<std::string, std::string>& configured,
                                            const WorkerVariables& variables);

// The same without sup's variables: what PATH is looked up in before there is a worker.
std::vector<std::string> base_environment(const std::vector<std::string>& inherited,
                                          const std::map<std::string, std::string>& configured);

// Whether a name belongs to sup: an entry for it in the configuration has no effect.
bool is_reserved_variable(std::string_view name);

// This process's environment.
std::vector<std::string> current_environment();

}  // namespace sup
