// `sup status [NAME]`.
#pragma once

#include <string>

#include "master/cli/exit_code.h"

namespace sup::cli {

struct StatusOptions {
    std::string name;  // empty: the one that runs
    bool json = false;
    // What the exit code answers: "all" is whether all is well, "serving" whether it serves.
    // Empty: nothing.
    std::string check;
};
ExitCode status_command(const StatusOptions& options);

}  // namespace sup::cli
