// What start and run have in common: a valid configuration and a name of one's own.
#pragma once

#include <string>

#include "common/result.h"
#include "config/config.h"
#include "master/cli/exit_code.h"
#include "master/runtime/instance_directory.h"

namespace sup::cli {

struct Claim {
    config::Config config;
    InstanceDirectory directory;  // locked, and free of what a dead master left
};

// ExitCode::usage with every problem of the configuration; ExitCode::failed when the name is taken, or when
// workers of a master that was killed still serve.
Result<Claim, CommandError> claim(const std::string& config_path);

}  // namespace sup::cli
