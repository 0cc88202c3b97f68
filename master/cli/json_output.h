// What a program reads.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace sup::cli {

// To stdout, indented, with a newline; as print() does.
bool print_json(const nlohmann::json& value);

}  // namespace sup::cli
