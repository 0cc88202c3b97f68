#include "master/process/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <random>
#include <utility>

#include "config/path.h"
#include "master/process/account.h"
#include "master/process/process_info.h"
#include "master/process/socket_owner.h"

namespace sup {
namespace {

struct UnixName {
    sockaddr_un address{};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// The path must fit: sun_path has room for 107 bytes and a NUL (unix(7)).
UnixName unix_name(const std::string& path) {
    UnixName name;
    name.address.sun_family = AF_UNIX;
    std::memcpy(name.address.sun_path, path.c_str(), path.size() + 1);
    name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return name;
}

std::string random_name() {
    char text[16];
    std::snprintf(text, sizeof text, ".sup-%08x", static_cast<unsigned>(std::random_device{}()));
    return text;
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

Status check_socket_is_stale(const std::string& path, config::Transport transport) {
    const int type = transport == config::Transport::stream ? SOCK_STREAM : SOCK_DGRAM;
    const UniqueFd probe{::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!probe) return errno_error("cannot be looked at");
    const UnixName name = unix_name(path);
    const int problem = ::connect(probe.get(), name.get(), name.size) == 0 ? 0 : errno;
    switch (problem) {
        case ECONNREFUSED:
        case ENOENT: return Success{};
        case 0:
        case EAGAIN:      // its queue is full
        case EPROTOTYPE:  // it is of the other kind
            return Error{"is in use by " + describe_server(probe.get(), path)};
        default:
            return errno_error(
                "is a socket file already, and whether anybody serves it cannot be told (remove it, if "
                "nobody "
                "does)",
                problem);
    }
}

}  // namespace

Result<SocketAccess> resolve_access(const config::FileAccess& access) {
    SocketAccess resolved;
    resolved.mode = static_cast<mode_t>(access.mode);
    if (access.owner) {
        const auto owner = find_user(*access.owner);
        if (!owner) return owner.error();
        resolved.owner = *owner;
    }
    if (access.group) {
        const auto group = find_group(*access.group);
        if (!group) return group.error();
        resolved.group = *group;
    }
    return resolved;
}

Status check_path_is_free(const std::string& path, config::Transport transport) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        if (errno != ENOENT) return errno_error("cannot be looked at");
        const std::string folder = config::folder_of(path);
        if (::access(folder.c_str(), F_OK) == 0) return Success{};
        return Error{"cannot be bound: there is no directory " + folder};
    }
    if (!S_ISSOCK(found.st_mode)) {
        return Error{
            "is there already and is not a socket: sup replaces no other file (choose another path)"};
    }
    return check_socket_is_stale(path, transport);
}

SocketFile::SocketFile(std::string path, std::string temporary, std::string private_path, UniqueFd file)
    : path_(std::move(path)),
      temporary_(std::move(temporary)),
      private_path_(std::move(private_path)),
      file_(std::move(file)) {}

SocketFile::~SocketFile() {
    if (!file_) return;
    if (temporary_.empty()) {
        remove();
    } else {
        ::unlink(temporary_.c_str());
    }
}

// Where path and folder leave no room for the private name, it goes by the folder's descriptor.
Result<SocketFile> SocketFile::bind(int socket, const std::string& path) {
    const std::string folder = config::folder_of(path);
    const UniqueFd directory{::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!directory) return errno_error("cannot be bound: " + folder);
    // The file gets what permissions the socket has (and not the umask's), so nobody can connect too early.
    ::fchmod(socket, S_IRUSR | S_IWUSR);
    for (int attempt = 0;; ++attempt) {
        const std::string temporary = (folder == "/" ? "" : folder) + "/" + random_name();
        const std::string private_path =
            temporary.size() < sizeof(sockaddr_un::sun_path)
                ? temporary
                : "/proc/self/fd/" + std::to_string(directory.get()) + temporary.substr(temporary.rfind('/'));
        const UnixName name = unix_name(private_path);
        if (::bind(socket, name.get(), name.size) != 0) {
            if (errno == EADDRINUSE && attempt < 100) continue;
            return errno_error("cannot be bound: a file in " + folder);
        }
        UniqueFd file{::open(temporary.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!file) {
            const Error error = errno_error("cannot be bound: " + temporary);
            ::unlink(temporary.c_str());
            return error;
        }
        return SocketFile(path, temporary, private_path, std::move(file));
    }
}

// By the descriptor: the folder may be one in which somebody else exchanges files.
Status SocketFile::set_access(const SocketAccess& access) const {
    struct stat now {};
    if (::fstat(file_.get(), &now) != 0) return errno_error("cannot be looked at");
    const uid_t owner = access.owner.value_or(now.st_uid);
    const gid_t group = access.group.value_or(now.st_gid);
    const bool other_account = owner != now.st_uid || group != now.st_gid;
    if (other_account && ::fchownat(file_.get(), "", owner, group, AT_EMPTY_PATH) != 0) {
        return errno_error("cannot be given to user " + std::to_string(owner) + ", group " +
                           std::to_string(group) + " (only root can give files away)");
    }
    constexpr mode_t permissions = 07777;
    if (!other_account && (now.st_mode & permissions) == access.mode) return Success{};
    const std::string by_descriptor = "/proc/self/fd/" + std::to_string(file_.get());
    if (::chmod(by_descriptor.c_str(), access.mode) != 0) return errno_error("cannot get its mode");
    return Success{};
}

Status SocketFile::publish() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return errno_error("cannot be bound: rename");
    temporary_.clear();
    return Success{};
}

bool SocketFile::in_place() const {
    struct stat ours {};
    struct stat there {};
    return ::fstat(file_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

void SocketFile::remove() const {
    if (in_place()) ::unlink(path_.c_str());
}

}  // namespace sup
