#include "master/sockets/socket_place.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "config/path.h"
#include "master/files/by_descriptor.h"
#include "master/process/process_info.h"
#include "master/sockets/socket_owner.h"

namespace sup {
namespace {

Result<UniqueFd> open_folder(const std::string& folder) {
    UniqueFd fd{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!fd && errno == ENOENT) return Error{"cannot be bound: there is no directory " + folder};
    if (!fd || ::faccessat(fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
        return errno_error("cannot be bound: no file can be made in " + folder);
    return fd;
}

// The process that made the socket listen, which a connection to it tells.
std::string describe_server(int connection, const std::string& path) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0) {
        return describe(std::vector<SocketOwner>{{peer.pid, process_command(peer.pid)}});
    }
    return describe(find_socket_owners({config::Transport::stream, config::UnixAddress{path}}));
}

Status check_is_stale(int file, const std::string& path, config::Transport transport) {
    const int type = transport == config::Transport::stream ? SOCK_STREAM : SOCK_DGRAM;
    const UniqueFd probe{::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!probe) return errno_error("cannot be examined");
    const sockaddr_un there = socket_address(path_of(file));
    const bool connected =
        ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0;
    const int problem = connected ? 0 : errno;
    switch (problem) {
        case ECONNREFUSED: return Success{};
        case 0:
        case EAGAIN:      // its queue is full
        case EPROTOTYPE:  // it is of the other kind
            return Error{"is in use by " + describe_server(probe.get(), path)};
        default:
            return errno_error(
                "is a socket file already, and sup cannot tell whether anybody serves it (remove it if "
                "nobody does)",
                problem);
    }
}

}  // namespace

Result<SocketPlace> find_place(const std::string& path, config::Transport transport) {
    auto folder = open_folder(config::folder_of(path));
    if (!folder) return folder.error();
    SocketPlace place{std::move(*folder), path.substr(path.rfind('/') + 1), {}};
    UniqueFd there{::openat(place.folder.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!there && errno == ENOENT) return place;
    struct stat found {};
    if (!there || ::fstat(there.get(), &found) != 0) return errno_error("cannot be examined");
    if (!S_ISSOCK(found.st_mode)) {
        return Error{"exists already and is not a socket; sup replaces nothing else (choose another path)"};
    }
    if (Status stale = check_is_stale(there.get(), path, transport); !stale) return stale.error();
    place.stale = std::move(there);
    return place;
}

}  // namespace sup
