#include "worker/lifecycle/notify_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/unique_fd.h"

namespace sup::worker {

Result<SendOutcome> NotifyClient::try_send(std::string_view lines, std::span<const int> descriptors) const {
    if (address_.empty()) return SendOutcome::sent;
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    if (address_.size() >= sizeof target.sun_path) return Error{"the path is too long for a unix socket"};
    std::memcpy(target.sun_path, address_.data(), address_.size());
    if (target.sun_path[0] == '@') target.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());

    const UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return errno_error("socket");
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&target), size) != 0) {
        if (errno == ECONNREFUSED || errno == ENOENT) return SendOutcome::no_receiver;
        return errno_error("connect");
    }
    return send_unix_message(socket.get(), lines, descriptors);
}

Status NotifyClient::send(std::string_view lines) const {
    const Result<SendOutcome> outcome = try_send(lines);
    if (outcome && *outcome == SendOutcome::sent) return Success{};
    return failure(outcome);
}

Error NotifyClient::failure(const Result<SendOutcome>& outcome) const {
    const std::string what = "cannot notify the supervisor at " + address_ + ": ";
    if (!outcome) return Error{what + outcome.error().message};
    switch (*outcome) {
        case SendOutcome::sent: return Error{what + "nothing is wrong"};
        case SendOutcome::would_block: return Error{what + "its queue is full"};
        case SendOutcome::too_many_fds: return Error{what + "too many descriptors are in flight"};
        case SendOutcome::no_receiver: return Error{what + "it is gone"};
    }
    std::abort();
}

}  // namespace sup::worker
