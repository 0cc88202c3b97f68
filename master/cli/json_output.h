// What a program reads.
#pragma once

#include <string_view>

namespace sup::cli {

// JSON on one line, to stdout, indented, with a newline; as print() does.
bool print_json(std::string_view json);

}  // namespace sup::cli
