#include "worker/lifecycle/inbox_packet.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/wire.h"

namespace sup::worker {
namespace {

// The kernel compares how many descriptors the user has in flight with the limit of who sends one more
// (unix(7), ETOOMANYREFS). A connection is sent with a lower one: were the room full of connections, the
// descriptors could not pass that those need who are to take them, their channels and their inbox.
class LeavesRoom {
public:
    LeavesRoom() {
        if (::getrlimit(RLIMIT_NOFILE, &limit_) != 0) return;
        rlimit lower = limit_;
        lower.rlim_cur -= std::min(limit_.rlim_cur / 8, most_left);
        lowered_ = ::setrlimit(RLIMIT_NOFILE, &lower) == 0;
    }
    ~LeavesRoom() {
        if (lowered_) ::setrlimit(RLIMIT_NOFILE, &limit_);
    }
    LeavesRoom(const LeavesRoom&) = delete;
    LeavesRoom& operator=(const LeavesRoom&) = delete;

private:
    static constexpr rlim_t most_left = 128;

    rlimit limit_{};
    bool lowered_ = false;
};

// Of a listener or a protocol. sup's own configuration allows far less.
constexpr std::size_t longest_name = 512;

int option(int socket, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Of a stream socket without a peer: one that was accepted or has connected is bound to a port, which a reset
// does not take away. A unix socket keeps its peer when that closes.
bool was_connected(int socket) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) != 0) return false;
    if (own.ss_family == AF_INET) return reinterpret_cast<const sockaddr_in&>(own).sin_port != 0;
    if (own.ss_family == AF_INET6) return reinterpret_cast<const sockaddr_in6&>(own).sin6_port != 0;
    return false;
}

std::optional<std::string> text(const nlohmann::json& head, const char* key) {
    const auto found = head.find(key);
    if (found == head.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
}

std::optional<unsigned> number(const nlohmann::json& head, const char* key, unsigned without) {
    const auto found = head.find(key);
    if (found == head.end()) return without;
    if (!found->is_number_unsigned()) return std::nullopt;
    const auto value = found->get<std::uint64_t>();
    if (value > std::numeric_limits<unsigned>::max()) return std::nullopt;
    return static_cast<unsigned>(value);
}

}  // namespace

bool is_inbox_end(int descriptor) {
    return option(descriptor, SO_DOMAIN) == AF_UNIX && option(descriptor, SO_TYPE) == SOCK_SEQPACKET;
}

// One that has lost its client no longer has a peer name (ENOTCONN); its worker reads the end, or the
// error, so it is not refused here.
bool is_connection(int descriptor) {
    if (option(descriptor, SO_TYPE) != SOCK_STREAM || option(descriptor, SO_ACCEPTCONN) != 0) return false;
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) == 0) return true;
    return errno == ENOTCONN && was_connected(descriptor);
}

std::optional<InboxPacket> parse_inbox_packet(std::string_view packet) {
    const std::size_t line_end = packet.find('\n');
    if (line_end == std::string_view::npos) return std::nullopt;
    const auto json = nlohmann::json::parse(packet.substr(0, line_end), nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto listener = text(json, "listener");
    const auto protocol = text(json, "protocol");
    const auto state = number(json, "state", 0);
    const auto version = number(json, "version", 1);
    const std::string_view rest = packet.substr(line_end + 1);
    if (!listener || !protocol || !state || !version || *state > rest.size()) return std::nullopt;
    if (listener->size() > longest_name || protocol->size() > longest_name) return std::nullopt;
    return InboxPacket{*listener, *protocol, rest.substr(*state), rest.substr(0, *state), *version};
}

// A head says nothing that an older receiver could not know, unless it has to.
Result<SendOutcome> send_to_inbox(int inbox, const InboxPacket& packet, int socket) {
    if (packet.unconsumed.size() + packet.state.size() > wire::max_unconsumed) {
        return Error{"more than " + std::to_string(wire::max_unconsumed) +
                     " bytes are read and not consumed"};
    }
    nlohmann::json head{{"listener", packet.listener}, {"protocol", packet.protocol}};
    if (!packet.state.empty()) head["state"] = packet.state.size();
    if (packet.version != 1) head["version"] = packet.version;
    std::string bytes = head.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    bytes.append("\n").append(packet.state).append(packet.unconsumed);
    if (bytes.size() > wire::max_inbox_packet)
        return Error{"the names of its listener and protocol are too long"};
    const LeavesRoom for_control;
    return send_unix_message(inbox, bytes, {&socket, 1});
}

}  // namespace sup::worker
