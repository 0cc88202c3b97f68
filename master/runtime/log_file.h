// The file that a log is appended to.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

// Opened for appending, close-on-exec; 0600 where it is new. A FIFO without a reader is an error and no wait.
// A symbolic link in its place is followed only where root or this user made it: in a folder of its own the
// service could otherwise have root write into any file. An error names the file.
Result<UniqueFd> open_log_file(const std::string& path);

// Whether it would be followed, if there is a link. Opens no file.
Status check_log_link(const std::string& path);

}  // namespace sup
