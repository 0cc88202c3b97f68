#include "master/sockets/queue_clients.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/socket_table.h"
#include "master/sockets/sock_diag.h"

namespace sup {
namespace {

// In network order; of IPv4 the first number alone.
using Host = std::array<std::uint32_t, 4>;

struct SocketName {
    std::uint8_t family = 0;
    Host host{};
    std::uint16_t port = 0;  // in network order
};

SocketName name_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    SocketName name;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return name;
    if (address.ss_family == AF_INET) {
        sockaddr_in inet{};
        std::memcpy(&inet, &address, sizeof inet);
        name = {AF_INET, {inet.sin_addr.s_addr}, inet.sin_port};
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 inet{};
        std::memcpy(&inet, &address, sizeof inet);
        name = {AF_INET6, {}, inet.sin6_port};
        std::memcpy(name.host.data(), &inet.sin6_addr, sizeof inet.sin6_addr);
    }
    return name;
}

Host host_of(const inet_diag_msg& socket) {
    Host host{};
    const std::size_t words = socket.idiag_family == AF_INET ? 1 : host.size();
    std::copy_n(std::begin(socket.id.idiag_src), words, host.begin());
    return host;
}

std::uint64_t cookie_of(const inet_diag_msg& socket) {
    return (std::uint64_t{socket.id.idiag_cookie[1]} << 32) | socket.id.idiag_cookie[0];
}

constexpr std::uint32_t bit(int state) {
    return 1U << static_cast<unsigned>(state);
}

// Those of one family and port that listen or are connected, also half closed by the client.
std::optional<std::vector<inet_diag_msg>> tcp_sockets_of(const SocketName& name) {
    inet_diag_req_v2 request{};
    request.sdiag_family = name.family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = bit(TCP_LISTEN) | bit(TCP_ESTABLISHED) | bit(TCP_CLOSE_WAIT);
    request.id.idiag_sport = name.port;
    std::vector<inet_diag_msg> sockets;
    const bool complete = ask_sock_diag(bytes_of(request), true, [&](std::string_view body) {
        const auto socket = read_structure<inet_diag_msg>(body);
        if (socket && socket->id.idiag_sport == name.port) sockets.push_back(*socket);
    });
    if (!complete) return std::nullopt;
    return sockets;
}

// A client of 127.0.0.1:80 waits there, where somebody listens there, and at *:80 otherwise.
bool belongs_to(const SocketName& name, const Host& host, const std::vector<Host>& listening) {
    if (name.host == host) return true;
    return name.host == Host{} && std::ranges::find(listening, host) == listening.end();
}

std::optional<QueueClients> tcp_clients(int fd) {
    const SocketName name = name_of(fd);
    if (name.port == 0) return std::nullopt;
    const auto sockets = tcp_sockets_of(name);
    if (!sockets) return std::nullopt;
    std::vector<Host> listening;
    for (const inet_diag_msg& socket : *sockets) {
        if (socket.idiag_state == TCP_LISTEN) listening.push_back(host_of(socket));
    }
    QueueClients clients;
    for (const inet_diag_msg& socket : *sockets) {
        if (socket.idiag_state == TCP_LISTEN || !belongs_to(name, host_of(socket), listening)) continue;
        // A socket gets its inode from accept().
        if (socket.idiag_inode == 0)
            clients.waiting.push_back(cookie_of(socket));
        else
            clients.somebody_is_served = true;
    }
    std::ranges::sort(clients.waiting);
    return clients;
}

// The inodes of the clients' own sockets; 0 of one that has closed it.
std::optional<std::vector<std::uint32_t>> pending_of(std::uint64_t inode) {
    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = ~0U;
    request.udiag_ino = static_cast<std::uint32_t>(inode);
    request.udiag_show = UDIAG_SHOW_ICONS;
    request.udiag_cookie[0] = ~0U;
    request.udiag_cookie[1] = ~0U;
    std::vector<std::uint32_t> pending;
    const bool told = ask_sock_diag(bytes_of(request), false, [&](std::string_view body) {
        const auto inodes = sock_diag_attribute(body, sizeof(unix_diag_msg), UNIX_DIAG_ICONS);
        const std::size_t count = inodes ? inodes->size() / sizeof(std::uint32_t) : 0;
        if (count == 0) return;
        pending.resize(count);
        std::memcpy(pending.data(), inodes->data(), pending.size() * sizeof(std::uint32_t));
    });
    if (!told) return std::nullopt;
    return pending;
}

std::optional<QueueClients> unix_clients(int fd, const config::UnixAddress& address) {
    struct stat status {};
    if (::fstat(fd, &status) != 0) return std::nullopt;
    const auto pending = pending_of(status.st_ino);
    if (!pending) return std::nullopt;
    QueueClients clients;
    std::ranges::copy_if(*pending, std::back_inserter(clients.waiting),
                         [](auto inode) { return inode != 0; });
    clients.gave_up = pending->size() - clients.waiting.size();
    std::ranges::sort(clients.waiting);
    // Accepted ones bear the listener's name; those that wait have no inode.
    clients.somebody_is_served = std::ranges::any_of(
        unix_sockets_named(address.name), [&](auto inode) { return inode != 0 && inode != status.st_ino; });
    return clients;
}

}  // namespace

std::optional<QueueClients> clients_of(int fd, const config::Address& address) {
    if (address.transport != config::Transport::stream) return std::nullopt;
    const config::UnixAddress* unix_address = address.unix_domain();
    return unix_address == nullptr ? tcp_clients(fd) : unix_clients(fd, *unix_address);
}

}  // namespace sup
