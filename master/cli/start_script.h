// Worker commands that are shell scripts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sup::cli {

// Whether a shell script (by its first line) leaves its server a child of the shell: it neither execs nor
// traps.
bool keeps_shell_in_between(std::string_view script);

// What is to be said of a worker's command that is such a script; nothing where it is none.
std::optional<std::string> note_on_start_script(const config::Worker& worker);

}  // namespace sup::cli
