#include "master/channel.h"

#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>

#include "common/unix_message.h"

namespace sup {
namespace {

bool socket_option_is(int socket, int option, int expected) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
}

Status send(int socket, const nlohmann::json& packet, std::span<const int> descriptors = {}) {
    const auto sent = send_unix_message(socket, packet.dump(), descriptors);
    if (!sent) return sent.error();
    switch (*sent) {
        case SendOutcome::sent: return Success{};
        case SendOutcome::would_block: return Error{"the worker does not read its channel"};
        case SendOutcome::too_many_fds: return Error{"too many descriptors are in flight"};
        case SendOutcome::no_receiver: return Error{"the worker has closed its channel"};
    }
    std::abort();
}

}  // namespace

Result<WorkerChannel> WorkerChannel::adopt(UniqueFd socket) {
    if (!socket_option_is(socket.get(), SO_DOMAIN, AF_UNIX) ||
        !socket_option_is(socket.get(), SO_TYPE, SOCK_SEQPACKET)) {
        return Error{"X_SUP_CHANNEL=1 must carry one end of a SOCK_SEQPACKET socketpair"};
    }
    return WorkerChannel(std::move(socket));
}

Status WorkerChannel::send_inbox(const Inbox& inbox) {
    const std::array<int, 2> ends{inbox.receiver(), inbox.sender()};
    return send(socket_.get(), {{"type", "inbox"}}, ends);
}

Status WorkerChannel::send_scoreboard(const Scoreboard& scoreboard, std::size_t row) {
    const std::array<int, 1> memory{scoreboard.fd()};
    return send(socket_.get(), {{"type", "scoreboard"}, {"slot", row}}, memory);
}

Status WorkerChannel::send_drain(const ListenerSplit& listeners, const Inbox* inbox) {
    const nlohmann::json packet{
        {"type", "drain"}, {"listeners", listeners.served}, {"retired", listeners.retired}};
    if (inbox == nullptr) return send(socket_.get(), packet);
    const std::array<int, 1> sender{inbox->sender()};
    return send(socket_.get(), packet, sender);
}

}  // namespace sup
