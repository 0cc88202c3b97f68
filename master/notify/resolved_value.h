// Values that name files or folders through a symbolic link that may be moved, resolved once.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "config/template.h"

namespace sup {

// An absolute path, or a list of such with ':' between them (PATH, PYTHONPATH, a class path): each that leads
// through a link names what it means now. Of a file the folder is resolved, and the last name stays. What
// names nothing, or is_of_a_process(), stays as it is.
std::string resolved_value(const std::string& text);

// One path, absolute; the same rules.
std::string resolved_path(const std::string& path);

// /dev/stdout and the like mean another file to each process.
bool is_of_a_process(const std::string& path);

// What a text without placeholders says. None otherwise.
std::optional<std::string> literal_of(const config::Template& text);

// The values of `worker.env`. One with a placeholder stays as it is.
std::map<std::string, config::Template> resolved_variables(std::map<std::string, config::Template> variables);

}  // namespace sup
