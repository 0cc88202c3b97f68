#include "master/sockets/sock_diag.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "common/unique_fd.h"

namespace sup {
namespace {

// What the kernel fills at most in one turn (netlink_dump).
constexpr std::size_t largest_turn = 32'768;

enum class Turn { more, complete, failed };

bool send_request(int netlink, std::string_view body, bool dump) {
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(body.size()));
    header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0));
    const std::string request = std::string(bytes_of(header)).append(body);
    return ::send(netlink, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size());
}

Turn read_turn(std::string_view messages, const SockDiagAnswer& each) {
    while (const auto header = read_structure<nlmsghdr>(messages)) {
        if (header->nlmsg_len < sizeof *header || header->nlmsg_len > messages.size()) return Turn::failed;
        if (header->nlmsg_type == NLMSG_DONE) return Turn::complete;
        if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY) return Turn::failed;
        each(messages.substr(sizeof *header, header->nlmsg_len - sizeof *header));
        messages.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header->nlmsg_len), messages.size()));
    }
    return Turn::more;
}

}  // namespace

bool ask_sock_diag(std::string_view body, bool dump, const SockDiagAnswer& each) {
    const UniqueFd netlink{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    if (!netlink || !send_request(netlink.get(), body, dump)) return false;
    std::vector<char> buffer(largest_turn);
    for (;;) {
        // The first answer is there when send() returns, the next when one has been taken.
        const ssize_t size = ::recv(netlink.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) return false;
        const Turn turn = read_turn({buffer.data(), static_cast<std::size_t>(size)}, each);
        if (turn == Turn::failed) return false;
        if (turn == Turn::complete || !dump) return true;
    }
}

std::optional<std::string_view> sock_diag_attribute(std::string_view body, std::size_t fixed, int type) {
    for (std::size_t at = NLMSG_ALIGN(fixed); at < body.size();) {
        const auto attribute = read_structure<rtattr>(body.substr(at));
        if (!attribute || attribute->rta_len < sizeof *attribute || attribute->rta_len > body.size() - at)
            break;
        if (attribute->rta_type == type)
            return body.substr(at + RTA_LENGTH(0), attribute->rta_len - RTA_LENGTH(0));
        at += RTA_ALIGN(attribute->rta_len);
    }
    return std::nullopt;
}

}  // namespace sup
