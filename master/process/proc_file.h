// A file below /proc.
#pragma once

#include <optional>
#include <string>

namespace sup {

// All of it, in as few reads as the kernel needs (what it tells may change between two). None: it is not
// there (any more), or may not be read.
std::optional<std::string> read_proc_file(const std::string& path);

}  // namespace sup
