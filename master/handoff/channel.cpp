#include "master/handoff/channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "common/safe_text.h"
#include "common/unix_message.h"
#include "common/wire.h"

namespace sup {
namespace {

constexpr int packets_per_turn = 16;
constexpr std::size_t most_protocols = 64;
constexpr std::size_t longest_name = 128;

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
    std::unique_ptr<WorkerChannel> channel(new WorkerChannel(loop, std::move(socket), std::move(callbacks)));
    channel->watch(loop);
    return channel;
}

void WorkerChannel::watch(uv_loop_t* loop) {
    Result<uv::Poll> poll = uv::Poll::create(loop, socket_.get(), [this](int, int) { read(); });
    if (poll) {
        poll_ = std::move(*poll);
        poll_.start(UV_READABLE);
    }
    read();
}

// A few in each turn of the loop: a worker that sends without end holds up nobody.
void WorkerChannel::read() {
    std::array<char, wire::max_channel_packet> buffer;
    for (int i = 0; i < packets_per_turn; ++i) {
        const auto received = receive_unix_message(socket_.get(), buffer);
        if (received && !received->has_value()) return;
        if (!received || (**received).size == 0) {
            poll_ = {};
            return;
        }
        if ((**received).truncated) continue;
        const std::string_view packet(buffer.data(), (**received).size);
        use(nlohmann::json::parse(packet, nullptr, false));
    }
}

// Types that are not known are ignored, as a worker ignores them.
void WorkerChannel::use(const nlohmann::json& packet) {
    if (!packet.is_object() || !packet.contains("type")) return;
    if (packet.at("type") == "speaks") spoken_ = parse_spoken(packet.value("speaks", nlohmann::json()));
    if (packet.at("type") != "unreadable") return;
    const auto protocol = packet.find("protocol");
    const auto connections = packet.find("connections");
    if (protocol == packet.end() || !protocol->is_string() || connections == packet.end()) return;
    const std::string name = safe_text(protocol->get<std::string>(), longest_name);
    if (!connections->is_number_unsigned()) return;
    if (unreadable_.size() >= most_protocols && !unreadable_.contains(name)) return;
    unreadable_[name] = std::min(connections->get<std::uint64_t>(), largest_count);
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
void WorkerChannel::send_drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox,
                               SpokenByAll spoken) {
    if (drain_ && listeners.retired.empty()) listeners.retired = std::move(drain_->listeners.retired);
    drain_ = DrainPacket{std::move(listeners), std::move(inbox), std::move(spoken)};
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
        nlohmann::json json{{"type", "drain"},
                            {"listeners", drain_->listeners.served},
                            {"retired", drain_->listeners.retired}};
        if (drain_->spoken) json["speaks"] = to_json(*drain_->spoken);
        return json;
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
