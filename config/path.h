// Paths as a configuration names them.
#pragma once

#include <string>

#include "common/result.h"

namespace sup::config {

// `path` from `folder` on (absolute, as this function gives it), without ".", double slashes and, where
// the file system shows that it cannot change the meaning (nothing before it is a symbolic link), "..".
// Symbolic links stay: a `current` link must be followed again at each reload. Nothing needs to exist.
std::string absolute_path(const std::string& folder, const std::string& path);

// The same from the working directory on: through the symbolic links that the user took there ($PWD), where
// that is still the same folder. Fails when a relative path has nowhere to start.
Result<std::string> absolute_path(const std::string& path);

// "/srv/app" of "/srv/app/sup.json": of an absolute path.
std::string folder_of(const std::string& absolute);

}  // namespace sup::config
