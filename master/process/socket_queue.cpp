#include "master/process/socket_queue.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "common/unique_fd.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

namespace sup {
namespace {

// For a listening socket the kernel puts length and limit of its queue here (tcp_get_info; what ss(8) shows).
std::optional<SocketQueue> tcp_queue(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_state != TCP_LISTEN)
        return std::nullopt;
    return SocketQueue{info.tcpi_unacked, info.tcpi_sacked};
}

std::optional<SocketQueue> udp_queue(int fd) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return std::nullopt;
    return SocketQueue{memory[SK_MEMINFO_RMEM_ALLOC], memory[SK_MEMINFO_RCVBUF]};
}

struct UnixRequest {
    nlmsghdr header;
    unix_diag_req body;
};

std::optional<UnixRequest> request_for(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::nullopt;
    UnixRequest request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST;
    request.body.sdiag_family = AF_UNIX;
    request.body.udiag_states = ~0U;
    request.body.udiag_ino = static_cast<std::uint32_t>(status.st_ino);
    request.body.udiag_show = UDIAG_SHOW_RQLEN;
    request.body.udiag_cookie[0] = ~0U;
    request.body.udiag_cookie[1] = ~0U;
    return request;
}

// The attribute UNIX_DIAG_RQLEN of the answer in `bytes`.
std::optional<SocketQueue> read_answer(const char* bytes, std::size_t size) {
    nlmsghdr header{};
    std::size_t at = NLMSG_LENGTH(sizeof(unix_diag_msg));
    if (size < at) return std::nullopt;
    std::memcpy(&header, bytes, sizeof header);
    if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY || header.nlmsg_len > size) return std::nullopt;
    rtattr attribute{};
    while (at + sizeof attribute <= header.nlmsg_len) {
        std::memcpy(&attribute, bytes + at, sizeof attribute);
        if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > header.nlmsg_len) break;
        unix_diag_rqlen lengths{};
        if (attribute.rta_type == UNIX_DIAG_RQLEN && attribute.rta_len >= RTA_LENGTH(sizeof lengths)) {
            std::memcpy(&lengths, bytes + at + RTA_LENGTH(0), sizeof lengths);
            return SocketQueue{lengths.udiag_rqueue, lengths.udiag_wqueue};
        }
        at += RTA_ALIGN(attribute.rta_len);
    }
    return std::nullopt;
}

std::optional<SocketQueue> unix_queue(int fd) {
    const auto request = request_for(fd);
    const UniqueFd netlink{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    if (!request || !netlink) return std::nullopt;
    if (::send(netlink.get(), &*request, sizeof *request, 0) < 0) return std::nullopt;
    std::array<char, 4096> answer{};
    const ssize_t size = ::recv(netlink.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    return size < 0 ? std::nullopt : read_answer(answer.data(), static_cast<std::size_t>(size));
}

}  // namespace

std::optional<SocketQueue> queue_of(int fd, const config::Address& address) {
    const bool stream = address.transport == config::Transport::stream;
    if (address.inet() != nullptr) return stream ? tcp_queue(fd) : udp_queue(fd);
    return stream ? unix_queue(fd) : std::nullopt;
}

}  // namespace sup
