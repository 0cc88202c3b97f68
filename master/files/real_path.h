// Paths through symbolic links, resolved once: a `current` link may lead elsewhere a moment later.
#pragma once

#include <string>

namespace sup {

// With every link in it resolved, as realpath(3) does; empty when nothing is there.
std::string real_path(const std::string& path);

// Its folder by the real path, its last name as it is. The name stays because programs find by it what
// belongs to them: the `python` of a virtual environment is a link, and looks for its packages beside itself.
// `path` is absolute, and is returned as it is where its folder is not there.
std::string in_real_folder(const std::string& path);

// Whether a symbolic link on the way to the folder of `path` (absolute) could be moved. /bin and its like,
// which are links to the same folder in /usr, are none that move.
bool in_linked_folder(const std::string& path);
// The same of the whole path, its last name too.
bool leads_through_link(const std::string& path);

}  // namespace sup
