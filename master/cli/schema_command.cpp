#include "master/cli/schema_command.h"

#include "config/key_tables.h"
#include "config/schema.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

std::string text_for(const std::string& markdown) {
    if (markdown == "whole") return config::whole_key_tables();
    if (markdown == "short") return config::short_key_table();
    return config::json_schema();
}

}  // namespace

ExitCode schema_command(const SchemaOptions& options) {
    return print(text_for(options.markdown)) ? ExitCode::done : ExitCode::failed;
}

}  // namespace sup::cli
