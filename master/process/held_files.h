// Which pipes and sockets a process holds.
#pragma once

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <optional>
#include <vector>

namespace sup {

// Of an open file, as fstat(2) tells it. An inode's number alone has no meaning: each filesystem has its own.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;

    auto operator<=>(const FileId&) const = default;
};
// None: `fd` is not open.
std::optional<FileId> file_id(int fd);

// Whoever looks must not pay for what another process has opened: only so many descriptors of it are looked
// at, the lowest. What was inherited at a start is among those.
constexpr std::size_t most_descriptors_looked_at = 256;

struct HeldFiles {
    std::vector<FileId> pipes_and_sockets;
    std::size_t looked_at = 0;  // descriptors
};
// Nothing where /proc does not tell.
HeldFiles files_held_by(pid_t pid);

}  // namespace sup
