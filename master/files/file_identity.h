// Which file it is, and whether it still holds what it held.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <optional>

namespace sup {

struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;  // bytes
    timespec mtime{};
};

FileIdentity identity_of(const struct stat& status);

bool is_same_file(const FileIdentity& a, const FileIdentity& b);
// The same file, which nobody has written to or touched.
bool is_untouched(const FileIdentity& a, const FileIdentity& b);

// A hash of the content: of all of it up to a mebibyte, of pieces spread evenly over a larger file, so that
// it costs about a millisecond whatever the size. A new build differs in nearly every piece. None when the
// file cannot be read. `fd` may be an O_PATH descriptor.
using Fingerprint = std::optional<std::uint64_t>;
Fingerprint fingerprint_of(int fd);

}  // namespace sup
