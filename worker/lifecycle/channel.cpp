#include "worker/lifecycle/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/unix_message.h"
#include "common/wire.h"

namespace sup::worker {
namespace {

std::optional<std::vector<std::string>> names(const nlohmann::json& packet, const char* key) {
    std::vector<std::string> all;
    const auto found = packet.find(key);
    if (found == packet.end()) return all;
    if (!found->is_array()) return std::nullopt;
    for (const auto& name : *found) {
        if (!name.is_string()) return std::nullopt;
        all.push_back(name.get<std::string>());
    }
    return all;
}

std::optional<ChannelPacket> scoreboard(const nlohmann::json& packet, std::vector<UniqueFd>& descriptors) {
    const auto slot = packet.find("slot");
    if (slot == packet.end() || !slot->is_number_unsigned() || descriptors.size() != 1) return std::nullopt;
    return ScoreboardPacket{slot->get<std::size_t>(), std::move(descriptors[0])};
}

std::optional<ChannelPacket> inbox(std::vector<UniqueFd>& descriptors) {
    if (descriptors.size() != 2) return std::nullopt;
    return InboxEnds{std::move(descriptors[0]), std::move(descriptors[1])};
}

std::optional<ChannelPacket> drain(const nlohmann::json& packet, std::vector<UniqueFd>& descriptors) {
    auto listeners = names(packet, "listeners");
    auto retired = names(packet, "retired");
    if (!listeners || !retired || descriptors.size() > 1) return std::nullopt;
    DrainPacket drain{std::move(*listeners), std::move(*retired), {}, {}};
    if (!descriptors.empty()) drain.inbox = std::move(descriptors[0]);
    drain.reads = parse_spoken(packet.value("speaks", nlohmann::json()));
    return drain;
}

}  // namespace

std::optional<ChannelPacket> parse_channel_packet(std::string_view packet,
                                                  std::vector<UniqueFd> descriptors) {
    const auto json = nlohmann::json::parse(packet, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto type = json.find("type");
    if (type == json.end()) return std::nullopt;
    if (*type == "scoreboard") return scoreboard(json, descriptors);
    if (*type == "inbox") return inbox(descriptors);
    if (*type == "drain") return drain(json, descriptors);
    return std::nullopt;
}

std::string spoken_packet(const std::vector<Reads>& spoken) {
    return nlohmann::json{{"type", "speaks"}, {"speaks", to_json(spoken)}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string unreadable_packet(const std::string& protocol, std::uint64_t connections) {
    return nlohmann::json{{"type", "unreadable"}, {"protocol", protocol}, {"connections", connections}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Channel::Ends> Channel::open() {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) {
        return errno_error("socketpair");
    }
    return Ends{UniqueFd(pair[0]), UniqueFd(pair[1])};
}

Channel::Channel(uv_loop_t* loop, UniqueFd ours, std::function<void(ChannelPacket)> received)
    : socket_(std::move(ours)), received_(std::move(received)) {
    Result<uv::Poll> poll = uv::Poll::create(loop, socket_.get(), [this](int, int) { read(); });
    if (!poll) {
        socket_.reset();
        return;
    }
    poll_ = std::move(*poll);
    poll_.start(UV_READABLE);
    reserve();
}

void Channel::reserve() {
    for (UniqueFd& one : reserve_) {
        if (!one) one.reset(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
    }
}

void Channel::read() {
    while (socket_ && read_one()) {
    }
}

// A master that does not read, or that has gone, misses it.
void Channel::send(const std::string& packet) {
    if (socket_) static_cast<void>(send_unix_message(socket_.get(), packet));
}

bool Channel::read_one() {
    std::array<char, wire::max_channel_packet> buffer;
    for (UniqueFd& one : reserve_) one.reset();
    Result<std::optional<UnixMessage>> received = receive_unix_message(socket_.get(), buffer);
    if (received && !received->has_value()) {
        reserve();
        return false;
    }
    if (!received || (*received)->size == 0) {
        poll_ = {};
        socket_.reset();
        for (UniqueFd& one : reserve_) one.reset();
        return false;
    }
    UnixMessage& message = **received;
    const std::string_view packet(buffer.data(), message.size);
    auto understood = parse_channel_packet(packet, std::move(message.descriptors));
    reserve();
    if (understood && !message.truncated) received_(std::move(*understood));
    return true;
}

}  // namespace sup::worker
