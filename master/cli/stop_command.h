// `sup stop [NAME]`: returns when nothing of the instance is left.
#pragma once

#include <string>

#include "common/duration.h"
#include "master/cli/exit_code.h"

namespace sup::cli {

struct StopOptions {
    std::string name;  // empty: the one that runs
    bool now = false;
    Duration timeout{60'000};
};
ExitCode stop_command(const StopOptions& options);

}  // namespace sup::cli
