#include "master/process/notify_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/unix_message.h"

namespace sup {
namespace {

constexpr std::size_t largest_datagram = std::size_t{8} * 1024;
// Other workers get their turn after this many.
constexpr int messages_per_wake = 16;
// More than the kernel queues for a socket (net.unix.max_dgram_qlen); ends a drain against a sender that
// never pauses.
constexpr int messages_per_drain = 1024;

Error socket_error(const std::string& path, const std::string& what) {
    return errno_error("notify socket " + path + ": " + what);
}

// Binds with mode 0600 from the start: bind(2) takes the mode of the socket's inode.
Status bind_private(int fd, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return Error{"notify socket " + path + ": the path has " + std::to_string(path.size()) +
                     " bytes, and a unix socket's may have " + std::to_string(sizeof address.sun_path - 1) +
                     ": choose a shorter runtime directory (SUP_RUNTIME_DIR) or name"};
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    if (::fchmod(fd, S_IRUSR | S_IWUSR) != 0) return socket_error(path, "fchmod");
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return socket_error(path, "cannot remove a stale one");
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return socket_error(path, "bind");
    }
    return Success{};
}

// A datagram that was cut counts up to its last whole line.
std::string_view whole_lines(std::string_view bytes, bool truncated) {
    if (!truncated) return bytes;
    const std::size_t end = bytes.rfind('\n');
    return bytes.substr(0, end == std::string_view::npos ? 0 : end);
}

Notification interpret(UnixMessage received, std::string_view bytes) {
    Notification notification;
    notification.message =
        parse_notify_message(whole_lines(bytes.substr(0, received.size), received.truncated));
    notification.sender = received.sender;
    if (notification.message.channel && !received.descriptors.empty()) {
        notification.channel = std::move(received.descriptors.front());
    }
    // The rest is closed here. For BARRIER=1 that is the answer: everything before it has been delivered.
    return notification;
}

}  // namespace

NotifySocket::NotifySocket(UniqueFd fd, std::string path, OnNotify on_notify)
    : fd_(std::move(fd)),
      path_(std::move(path)),
      on_notify_(std::move(on_notify)),
      alive_(std::make_shared<const bool>(true)) {}

Result<std::unique_ptr<NotifySocket>> NotifySocket::open(uv_loop_t* loop, const std::string& path,
                                                         std::optional<Owner> owner, OnNotify on_notify) {
    UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return socket_error(path, "socket");
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
        return socket_error(path, "SO_PASSCRED");
    const Status bound = bind_private(fd.get(), path);
    if (!bound) return bound.error();
    // From here on its destructor removes the file.
    std::unique_ptr<NotifySocket> socket{new NotifySocket(std::move(fd), path, std::move(on_notify))};
    if (owner && ::lchown(path.c_str(), owner->uid, owner->gid) != 0) return socket_error(path, "chown");
    auto poll = uv::Poll::create(loop, socket->fd_.get(),
                                 [raw = socket.get()](int, int) { raw->deliver(messages_per_wake); });
    if (!poll) return poll.error();
    socket->poll_ = std::move(*poll);
    socket->poll_.start(UV_READABLE);
    return socket;
}

NotifySocket::~NotifySocket() {
    ::unlink(path_.c_str());
}

void NotifySocket::drain() {
    deliver(messages_per_drain);
}

void NotifySocket::deliver(int at_most) {
    const std::weak_ptr<const bool> alive = alive_;
    const OnNotify call = on_notify_;  // a copy: it may destroy this socket
    std::array<char, largest_datagram> buffer{};
    for (int i = 0; i < at_most && !alive.expired(); ++i) {
        auto received = receive_unix_message(fd_.get(), buffer);
        if (!received || !*received) return;
        call(interpret(std::move(**received), {buffer.data(), buffer.size()}));
    }
}

}  // namespace sup
