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

}  // namespace

Result<std::unique_ptr<WorkerChannel>> WorkerChannel::adopt(uv_loop_t* loop, UniqueFd socket,
                                                            Callbacks callbacks) {
    if (!socket_option_is(socket.get(), SO_DOMAIN, AF_UNIX) ||
        !socket_option_is(socket.get(), SO_TYPE, SOCK_SEQPACKET)) {
        return Error{"X_SUP_CHANNEL=1 must carry one end of a SOCK_SEQPACKET socketpair"};
    }
    return std::unique_ptr<WorkerChannel>(new WorkerChannel(loop, std::move(socket), std::move(callbacks)));
}

void WorkerChannel::send_scoreboard(std::shared_ptr<const Scoreboard> scoreboard, std::size_t row) {
    scoreboard_ = ScoreboardPacket{std::move(scoreboard), row};
    send_waiting();
}

void WorkerChannel::send_inbox(std::shared_ptr<const Inbox> inbox) {
    inbox_ = std::move(inbox);
    send_waiting();
}

// An earlier packet that still waits is out of date, but for the retired listeners that it has not named.
void WorkerChannel::send_drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox) {
    if (drain_ && listeners.retired.empty()) listeners.retired = std::move(drain_->listeners.retired);
    drain_ = DrainPacket{std::move(listeners), std::move(inbox)};
    send_waiting();
}

void WorkerChannel::send_waiting() {
    if (scoreboard_ && send_scoreboard_packet() != Sent::later) scoreboard_.reset();
    if (inbox_) {
        const Sent sent = send_inbox_packet();
        if (sent != Sent::later) inbox_.reset();
        if (sent == Sent::yes) callbacks_.opened();
    }
    if (drain_) {
        const Sent sent = send_drain_packet();
        told_to_drain_ = told_to_drain_ || sent == Sent::yes || drain_->named;
        if (sent != Sent::later) drain_.reset();
    }
    if (scoreboard_ || inbox_ || drain_) retry_.arm();
}

WorkerChannel::Sent WorkerChannel::send_scoreboard_packet() {
    const std::array<int, 1> memory{scoreboard_->scoreboard->fd()};
    return send({{"type", "scoreboard"}, {"slot", scoreboard_->row}}, memory);
}

WorkerChannel::Sent WorkerChannel::send_inbox_packet() {
    const std::array<int, 2> ends{inbox_->receiver(), inbox_->sender()};
    return send({{"type", "inbox"}}, ends);
}

WorkerChannel::Sent WorkerChannel::send_drain_packet() {
    const auto packet = [this] {
        return nlohmann::json{{"type", "drain"},
                              {"listeners", drain_->listeners.served},
                              {"retired", drain_->listeners.retired}};
    };
    if (drain_->inbox) {
        const std::array<int, 1> sender{drain_->inbox->sender()};
        const Sent sent = send(packet(), sender);
        if (sent != Sent::later || drain_->named) return sent;
    }
    const Sent sent = send(packet());
    if (sent != Sent::yes || !drain_->inbox) return sent;
    drain_->named = true;
    drain_->listeners.retired.clear();
    return Sent::later;
}

WorkerChannel::Sent WorkerChannel::send(const nlohmann::json& packet, std::span<const int> descriptors) {
    const auto sent = send_unix_message(socket_.get(), packet.dump(), descriptors);
    std::string reason = "the worker has closed its channel";
    if (!sent) {
        reason = sent.error().message;
    } else {
        switch (*sent) {
            case SendOutcome::sent: retry_.went_on(); return Sent::yes;
            case SendOutcome::would_block:
            case SendOutcome::too_many_fds: return Sent::later;
            case SendOutcome::no_receiver:
                if (told_to_drain_) return Sent::never;
                break;
        }
    }
    callbacks_.trouble("its " + packet.at("type").get<std::string>() +
                       " packet could not be sent: " + reason);
    return Sent::never;
}

}  // namespace sup
