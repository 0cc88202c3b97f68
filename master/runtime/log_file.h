// The file that a log is appended to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

struct OpenLog {
    UniqueFd fd;          // close-on-exec
    bool shared = false;  // an own descriptor by another name: its open file is others', too
};

// Opened for appending, without waiting; 0600 where it is new. A FIFO without a reader is an error. A
// symbolic link, in its place or anywhere on the way there, is followed only where root or this user made it:
// in a folder of its own the service could otherwise have root write into any file. The names of own
// descriptors are those (own_descriptor()). An error names the file.
Result<OpenLog> open_log_file(const std::string& path);

// The N of /dev/stdout, /dev/stderr, /dev/fd/N and /proc/self/fd/N.
std::optional<int> own_descriptor(const std::string& path);

// Whether the way there would be gone, as far as there is one. Opens no file.
Status check_log_links(const std::string& path);

// The file becomes PATH.1, that PATH.2, and so on up to `keep` of them; of 0 its name just goes. An error: it
// is where it was.
Status rotate_log_file(const std::string& path, std::uint32_t keep);

}  // namespace sup
