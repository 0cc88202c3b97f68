// What a valid configuration would still fail at when it is started, found without touching anything.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace sup::config {

struct Finding {
    std::string pointer;  // JSON pointer of the value that the finding is about
    std::string message;

    friend bool operator==(const Finding&, const Finding&) = default;
};

struct Preflight {
    std::vector<Finding> problems;  // a start fails
    std::vector<Finding> notes;     // a start may fail, or not: the world changes until then
};

// Looks at the command, the working directory and the log file, and at who listens where (/proc/net/tcp of
// this network namespace; no socket is opened). `holder_to_ignore` is the pid of a process whose sockets are
// no news, the running master of this very instance; 0: none.
Preflight preflight(const Config& config, int holder_to_ignore = 0);

}  // namespace sup::config
