#include "master/notify/private_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sup {
namespace {

constexpr mode_t everybodys_mode = 0666;

}  // namespace

Result<UniqueFd> bind_private_socket(const std::string& what, const std::string& path, int type,
                                     std::optional<Owner> owner) {
    const std::string name = what + " " + path + ": ";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return Error{name + "the path has " + std::to_string(path.size()) +
                     " bytes, and a unix socket's may have " + std::to_string(sizeof address.sun_path - 1) +
                     ": choose a shorter runtime directory (SUP_RUNTIME_DIR) or name"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd fd{::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return errno_error(name + "socket");
    // 0600 from the start: bind(2) takes the mode of the socket's inode.
    if (::fchmod(fd.get(), S_IRUSR | S_IWUSR) != 0) return errno_error(name + "fchmod");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return errno_error(name + "cannot remove a stale one");
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return errno_error(name + "bind");
    }
    // Nobody else may write in this folder, so it is still the socket's file.
    const bool everybody = !owner && ::geteuid() == 0;
    const bool given = owner ? ::lchown(path.c_str(), owner->uid, owner->gid) == 0
                             : !everybody || ::chmod(path.c_str(), everybodys_mode) == 0;
    if (given) return fd;
    const Error error = errno_error(name + (owner ? "chown" : "chmod"));
    ::unlink(path.c_str());
    return error;
}

}  // namespace sup
