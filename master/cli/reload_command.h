// `sup reload [NAME]`: blocks until the outcome is known, and tells the truth.
#pragma once

#include <string>

#include "common/duration.h"
#include "master/cli/exit_code.h"

namespace sup::cli {

struct ReloadOptions {
    std::string name;  // empty: the one that runs
    Duration timeout{60'000};
    bool drained = false;
    bool json = false;
};
ExitCode reload_command(const ReloadOptions& options);

}  // namespace sup::cli
