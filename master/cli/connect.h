// From an instance that was found to its master's answers, with failures in a command's words.
#pragma once

#include <string>

#include "common/result.h"
#include "master/cli/exit_code.h"
#include "master/cli/instances.h"
#include "master/control/client.h"

namespace sup::cli {

// The instance runs. ExitCode::not_running when its master ends or begins just now.
Result<control::Client, CommandError> connect_to(const Found& instance, const control::Deadline& deadline);

// `operation` is what was asked for, as in "the reload".
CommandError explain(const control::CallError& error, const std::string& name, const std::string& operation);

}  // namespace sup::cli
