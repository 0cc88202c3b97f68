// `sup run CONFIG`: the master in the foreground, in this very process.
#pragma once

#include <string>

namespace sup::cli {

// Returns the exit code of the instance, or of what kept it from starting.
int run_command(const std::string& config_path);

}  // namespace sup::cli
