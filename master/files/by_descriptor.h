// Files by descriptors of them or of their folder, for what the kernel only takes a path for
// (proc_pid_fd(5)).
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <string>

namespace sup {

// Of the file that `fd` is open on, with O_PATH or otherwise.
inline std::string path_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

// The path must fit: sun_path has room for 107 bytes and a NUL (unix(7)).
inline sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

}  // namespace sup
