#include "worker/lifecycle/notify_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "common/unique_fd.h"
#include "common/unix_message.h"

namespace sup::worker {

Status NotifyClient::send(std::string_view lines, std::span<const int> descriptors, Duration patience) const {
    if (address_.empty()) return Success{};
    const std::string what = "cannot notify the supervisor at " + address_;
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    if (address_.size() >= sizeof target.sun_path)
        return Error{what + ": the path is too long for a unix socket"};
    std::memcpy(target.sun_path, address_.data(), address_.size());
    if (target.sun_path[0] == '@') target.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());

    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return errno_error(what);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), size) != 0)
        return errno_error(what);
    Result<SendOutcome> outcome = send_unix_message(socket.get(), lines, descriptors);
    if (outcome && *outcome == SendOutcome::would_block && patience > Duration{0}) {
        pollfd room{socket.get(), POLLOUT, 0};
        ::poll(&room, 1, static_cast<int>(patience.count()));
        outcome = send_unix_message(socket.get(), lines, descriptors);
    }
    if (!outcome) return Error{what + ": " + outcome.error().message};
    if (*outcome != SendOutcome::sent) return Error{what + ": its queue is full or it is gone"};
    return Success{};
}

}  // namespace sup::worker
