// What the supervisor told this process in its environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/duration.h"

namespace sup::worker {

struct Environment {
    int listen_fds = 0;  // descriptors 3, 4, …; 0 when they are meant for another process
    std::vector<std::string> listen_names;
    std::string notify_socket;  // as in sd_notify(3): a path, or "@…" for an abstract one
    std::string instance;       // empty: not started by sup
    unsigned generation = 0;
    std::optional<Duration> drain_timeout;
    int drain_signal = 0;  // 0: not told

    bool under_sup() const { return !instance.empty(); }
};

// Takes LISTEN_* and NOTIFY_SOCKET out of the environment, as sd_listen_fds(3) recommends, so that no child
// process takes them for its own. The SUP_* variables stay.
Environment take_environment();

// "SIGUSR1", "USR1" or "10"; 0 for anything else.
int parse_signal(const std::string& name);

}  // namespace sup::worker
