// The table of keys for people, in Markdown.
#pragma once

#include <string>

namespace sup::config {

// docs/configuration.md: every object of a configuration with all that is said about its keys.
std::string whole_key_tables();

// README.md: one line for each key.
std::string short_key_table();

}  // namespace sup::config
