// From a file to a validated configuration, or to all that is wrong with it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.h"
#include "config/config.h"
#include "config/problem.h"

namespace sup::config {

// Larger files are refused unread.
constexpr std::size_t largest_file = std::size_t{1024} * 1024;

// Reads and validates the file, and looks at nothing that it names: a command that is missing is no problem
// here.
Result<Config, Problems> load_config(const std::string& path);

// The same from a text. `path` is where the text is said to have come from: relative paths start at its
// folder, and its stem is the default name.
Result<Config, Problems> parse_config(std::string_view text, const std::string& path);

}  // namespace sup::config
