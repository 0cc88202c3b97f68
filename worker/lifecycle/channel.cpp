#include "worker/lifecycle/channel.h"

#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/unix_message.h"

namespace sup::worker {
namespace {

constexpr std::size_t largest_packet = 64 * 1024UL;

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

}  // namespace

std::optional<DrainPacket> parse_drain_packet(std::string_view packet) {
    const auto json = nlohmann::json::parse(packet, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto type = json.find("type");
    if (type == json.end() || *type != "drain") return std::nullopt;
    auto listeners = names(json, "listeners");
    auto retired = names(json, "retired");
    if (!listeners || !retired) return std::nullopt;
    return DrainPacket{std::move(*listeners), std::move(*retired)};
}

Result<Channel::Ends> Channel::open() {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) {
        return errno_error("socketpair");
    }
    return Ends{UniqueFd(pair[0]), UniqueFd(pair[1])};
}

Channel::Channel(uv_loop_t* loop, UniqueFd ours) : socket_(std::move(ours)) {
    Result<uv::Poll> poll = uv::Poll::create(loop, socket_.get(), [this](int, int) { read(); });
    if (!poll) {
        socket_.reset();
        return;
    }
    poll_ = std::move(*poll);
    poll_.start(UV_READABLE);
}

void Channel::read() {
    while (socket_ && read_one()) {
    }
}

bool Channel::read_one() {
    std::array<char, largest_packet> buffer;
    Result<std::optional<UnixMessage>> received = receive_unix_message(socket_.get(), buffer);
    if (received && !received->has_value()) return false;
    if (!received || (*received)->size == 0) {
        poll_ = {};
        socket_.reset();
        return false;
    }
    // Descriptors that came along close with the message: no packet understood here carries any.
    const std::string_view packet(buffer.data(), (*received)->size);
    if (auto drain = parse_drain_packet(packet)) drain_ = std::move(drain);
    return true;
}

}  // namespace sup::worker
