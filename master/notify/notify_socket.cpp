#include "master/notify/notify_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "common/unix_message.h"
#include "master/notify/private_socket.h"

namespace sup {
namespace {

constexpr std::size_t largest_datagram = std::size_t{8} * 1024;
// More than the kernel queues for a socket (net.unix.max_dgram_qlen); ends a drain against a sender that
// never pauses.
constexpr int messages_per_drain = 1024;

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
    notification.sender = {received.sender.value_or(0), received.sender_user.value_or(0)};
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
    auto fd = bind_private_socket("notify socket", path, SOCK_DGRAM, owner);
    if (!fd) return fd.error();
    // From here on its destructor removes the file.
    std::unique_ptr<NotifySocket> socket{new NotifySocket(std::move(*fd), path, std::move(on_notify))};
    const int on = 1;
    if (::setsockopt(socket->fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return errno_error("notify socket " + path + ": SO_PASSCRED");
    }
    auto poll =
        PacedPoll::create(loop, socket->fd_.get(), [raw = socket.get()] { return raw->deliver_one(); });
    if (!poll) return poll.error();
    socket->poll_ = std::move(*poll);
    return socket;
}

NotifySocket::~NotifySocket() {
    ::unlink(path_.c_str());
}

void NotifySocket::drain() {
    const std::weak_ptr<const bool> alive = alive_;
    for (int i = 0; i < messages_per_drain && !alive.expired(); ++i) {
        if (!deliver_one()) return;
    }
}

bool NotifySocket::deliver_one() {
    const OnNotify call = on_notify_;  // a copy: it may destroy this socket
    std::array<char, largest_datagram> buffer;
    auto received = receive_unix_message(fd_.get(), buffer);
    if (!received || !*received) return false;
    call(interpret(std::move(**received), {buffer.data(), buffer.size()}));
    return true;
}

}  // namespace sup
