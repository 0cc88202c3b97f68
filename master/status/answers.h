// What a command is told in the end, where that is not a picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "master/status/picture.h"

namespace sup::status {

// To who waits for a start.
struct Started {
    Reload outcome;
    int pid = 0;
    std::string name;
};
struct FailedStart {
    std::vector<std::string> worker_output;
    bool configuration_error = false;
    std::vector<LeftBehind> left_behind;
    std::string log;  // empty: it is where log.file says, if anywhere
};

struct Stopped {
    bool stopped = true;
    std::vector<LeftBehind> left_behind;
};

// One instance in `sup list --json`. All but its name is known from its master's answer only; its pid from
// its folder, too.
struct Listed {
    std::string name;
    std::optional<int> pid;
    std::string state = "not responding";
    std::optional<std::string> config;
    std::optional<bool> degraded;
    std::optional<std::uint32_t> serving;
    std::optional<std::uint32_t> wanted;
};

}  // namespace sup::status
