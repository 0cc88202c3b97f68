// `sup schema [--markdown]`: all keys of a configuration, for editors or for people.
#pragma once

#include <string>

#include "master/cli/exit_code.h"

namespace sup::cli {

struct SchemaOptions {
    std::string markdown;  // empty: the JSON schema; "whole" or "short": the table of keys
};

ExitCode schema_command(const SchemaOptions& options);

}  // namespace sup::cli
