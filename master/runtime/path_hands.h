// In whose hands a path is: who could put something else in its place.
#pragma once

#include <sys/types.h>

#include <string>

#include "common/result.h"

namespace sup {

// Whether each folder on the way to `path`, it included, and each symbolic link, belongs to root, to this
// user or, when this is root, to `owner`; and can be written to by others only with the sticky bit. A group
// counts as others, but for root's and one that has the number of this user (his own, by the habit of most
// systems). What does not exist, or is no folder, is not complained about here. `path` is absolute.
Status check_hands(const std::string& path, uid_t owner);

}  // namespace sup
