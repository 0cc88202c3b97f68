#include "master/sockets/socket_queue.h"

#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "master/sockets/sock_diag.h"

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

std::optional<SocketQueue> unix_queue(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::nullopt;
    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = ~0U;
    request.udiag_ino = static_cast<std::uint32_t>(status.st_ino);
    request.udiag_show = UDIAG_SHOW_RQLEN;
    request.udiag_cookie[0] = ~0U;
    request.udiag_cookie[1] = ~0U;
    std::optional<SocketQueue> queue;
    ask_sock_diag(bytes_of(request), false, [&](std::string_view body) {
        const auto attribute = sock_diag_attribute(body, sizeof(unix_diag_msg), UNIX_DIAG_RQLEN);
        const auto lengths = attribute ? read_structure<unix_diag_rqlen>(*attribute) : std::nullopt;
        if (lengths) queue = SocketQueue{lengths->udiag_rqueue, lengths->udiag_wqueue};
    });
    return queue;
}

}  // namespace

std::optional<SocketQueue> queue_of(int fd, const config::Address& address) {
    const bool stream = address.transport == config::Transport::stream;
    if (address.inet() != nullptr) return stream ? tcp_queue(fd) : udp_queue(fd);
    return stream ? unix_queue(fd) : std::nullopt;
}

}  // namespace sup
