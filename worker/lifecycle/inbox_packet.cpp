#include "worker/lifecycle/inbox_packet.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

}  // namespace

bool is_inbox_end(int descriptor) {
    const auto is = [descriptor](int option, int expected) {
        int value = 0;
        socklen_t size = sizeof value;
        return ::getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 && value == expected;
    };
    return is(SO_DOMAIN, AF_UNIX) && is(SO_TYPE, SOCK_SEQPACKET);
}

std::optional<InboxPacket> parse_inbox_packet(std::string_view packet) {
    const std::size_t line_end = packet.find('\n');
    if (line_end == std::string_view::npos) return std::nullopt;
    const auto json = nlohmann::json::parse(packet.substr(0, line_end), nullptr, false);
    if (!json.is_object()) return std::nullopt;
    const auto listener = json.find("listener");
    const auto protocol = json.find("protocol");
    if (listener == json.end() || protocol == json.end() || !listener->is_string() ||
        !protocol->is_string()) {
        return std::nullopt;
    }
    return InboxPacket{listener->get<std::string>(), protocol->get<std::string>(),
                       packet.substr(line_end + 1)};
}

Result<SendOutcome> send_to_inbox(int inbox, const InboxPacket& packet, int socket) {
    if (packet.unconsumed.size() > max_unconsumed) {
        return Error{"more than " + std::to_string(max_unconsumed) + " bytes are read and not consumed"};
    }
    const nlohmann::json head{{"listener", packet.listener}, {"protocol", packet.protocol}};
    std::string bytes = head.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    bytes.append("\n").append(packet.unconsumed);
    const LeavesRoom for_control;
    return send_unix_message(inbox, bytes, {&socket, 1});
}

}  // namespace sup::worker
