// Small files, whole.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sup {

// Writes a neighbour (0600) and renames it over `path`, so that a reader sees either the old or the new
// contents. Not synced to disk: what is written here has no meaning after a reboot.
Status replace_file(const std::string& path, std::string_view contents);

// An empty optional: there is no such file. Anything but a regular file is an error, and so is one that does
// not belong to `owner`, where that is given.
Result<std::optional<std::string>> read_small_file(const std::string& path, std::optional<uid_t> owner = {});

// Whether the path still leads to the open file: somebody may have removed it, or put another one in its
// place. False for a descriptor that is not open.
bool is_file_at(int fd, const std::string& path);

}  // namespace sup
