// `sup start CONFIG`: returns when the first generation is ready, or says why not.
#pragma once

#include <string>

#include "common/duration.h"
#include "master/cli/exit_code.h"

namespace sup::cli {

struct StartOptions {
    std::string config_path;
    Duration timeout{60'000};
};
ExitCode start_command(const StartOptions& options);

}  // namespace sup::cli
