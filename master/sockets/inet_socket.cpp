#include "master/sockets/inet_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "config/address.h"
#include "master/sockets/socket_owner.h"

namespace sup {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

int type_of(const config::Listen& wanted) {
    return wanted.address.transport == config::Transport::stream ? SOCK_STREAM : SOCK_DGRAM;
}

// A literal only: no name is ever looked up. getaddrinfo() because it knows the scope of "fe80::1%eth0".
Result<SocketAddress> resolve(const config::Listen& wanted, const std::string& host, std::uint16_t number) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = type_of(wanted);
    addrinfo* found = nullptr;
    const std::string port = std::to_string(number);
    const int problem = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
    if (problem != 0) {
        const std::size_t zone = host.find('%');
        return listener_error(
            wanted, zone != host.npos
                        ? "cannot be bound: this machine has no network interface " + host.substr(zone + 1)
                        : std::string("is not an address: ") + ::gai_strerror(problem));
    }
    SocketAddress address;
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    address.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return address;
}

Error bind_error(const config::Listen& wanted, int error_number, const std::vector<int>& own = {}) {
    switch (error_number) {
        case EADDRINUSE:
            return listener_error(wanted,
                                  "is in use by " + describe(find_other_socket_owners(wanted.address, own)));
        case EACCES:
            return listener_error(
                wanted,
                "needs a privilege: run as root, give sup CAP_NET_BIND_SERVICE, lower the sysctl "
                "net.ipv4.ip_unprivileged_port_start, or choose a port from 1024 on");
        case EADDRNOTAVAIL:
            return listener_error(wanted,
                                  "cannot be bound: no network interface of this machine has this address");
        case EAFNOSUPPORT: return listener_error(wanted, "cannot be bound: this kernel has no IPv6");
        default:
            return listener_error(wanted, std::string("cannot be bound: ") + std::strerror(error_number));
    }
}

struct BindOptions {
    bool dual_stack;
    bool tcp;
    bool reuseport;
};

// The error number, or 0. SO_REUSEADDR: TCP connections of an earlier instance in TIME_WAIT must not keep the
// port.
int bind_to(int fd, const SocketAddress& address, const BindOptions& options) {
    const int on = 1;
    const int v6only = options.dual_stack ? 0 : 1;
    if (options.reuseport && ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) return errno;
    if (options.tcp && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return errno;
    if (address.family() == AF_INET6 &&
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) != 0) {
        return errno;
    }
    return ::bind(fd, address.get(), address.size) == 0 ? 0 : errno;
}

// IPv6 may be compiled out (no socket), or switched off by sysctl or in a container (no address "::").
bool has_ipv6() {
    const UniqueFd fd{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

}  // namespace

Error listener_error(const config::Listen& wanted, const std::string& what) {
    return Error{"listener " + wanted.name + ": " + config::to_string(wanted.address) + " " + what};
}

namespace {

// What a configured host is to the kernel.
struct Place {
    SocketAddress address;
    bool dual_stack;
};

Result<Place> place_of(const config::Listen& wanted) {
    const std::string& configured = wanted.address.inet()->host;
    const bool dual_stack = configured == "*" && has_ipv6();
    const std::string host = configured != "*" ? configured : dual_stack ? "::" : "0.0.0.0";
    auto address = resolve(wanted, host, wanted.address.inet()->port);
    if (!address) return address.error();
    return Place{*address, dual_stack};
}

Result<UniqueFd> open_at(const Place& place, const config::Listen& wanted, bool reuseport,
                         const std::vector<int>& own = {}) {
    const bool tcp = wanted.address.transport == config::Transport::stream;
    UniqueFd fd{::socket(place.address.family(), type_of(wanted) | SOCK_CLOEXEC, 0)};
    if (!fd) return bind_error(wanted, errno);
    const int problem = bind_to(fd.get(), place.address, {place.dual_stack, tcp, reuseport});
    if (problem != 0) return bind_error(wanted, problem, own);
    return fd;
}

}  // namespace

Result<UniqueFd> bind_inet_socket(const config::Listen& wanted, Sharing sharing) {
    const auto place = place_of(wanted);
    if (!place) return place.error();
    // With SO_REUSEPORT the kernel would let this user share the port of another program, unasked: so try
    // without it, and close what that gives.
    if (wanted.reuseport && sharing == Sharing::alone) {
        if (auto probe = open_at(*place, wanted, false); !probe) return probe.error();
    }
    return open_at(*place, wanted, wanted.reuseport);
}

Result<UniqueFd> bind_inet_socket_beside(const config::Listen& wanted, const std::vector<int>& own) {
    const auto place = place_of(wanted);
    if (!place) return place.error();
    const int on = 1;
    for (const int fd : own) {
        if (::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
            return listener_error(wanted, errno_error("SO_REUSEPORT").message);
    }
    auto fd = open_at(*place, wanted, true, own);
    if (!fd) return fd.error();
    std::vector<int> ours = own;
    ours.push_back(fd->get());
    const auto others = find_others_that_share(wanted.address, ours);
    if (!others.empty()) return listener_error(wanted, "is in use by " + describe(find_owners_of(others)));
    return fd;
}

Status bind_again(int fd, const config::Listen& wanted) {
    const auto place = place_of(wanted);
    if (!place) return place.error();
    // EINVAL: it is bound (bind(2)).
    if (::bind(fd, place->address.get(), place->address.size) == 0 || errno == EINVAL) return Success{};
    return bind_error(wanted, errno, {fd});
}

Status check_host(const config::Listen& wanted) {
    const std::string& host = wanted.address.inet()->host;
    if (host == "*") return Success{};
    const auto address = resolve(wanted, host, 0);
    if (!address) return address.error();
    const UniqueFd fd{::socket(address->family(), type_of(wanted) | SOCK_CLOEXEC, 0)};
    if (!fd) return bind_error(wanted, errno);
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);  // also of IPv6 (ip(7))
    const int problem = bind_to(fd.get(), *address, {.dual_stack = false, .tcp = false, .reuseport = false});
    if (problem != 0) return bind_error(wanted, problem);
    return Success{};
}

Result<std::uint16_t> bound_port(int fd) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
        return errno_error("getsockname");
    }
    // The port is at the same place for IPv4 and IPv6 (ip(7), ipv6(7)).
    sockaddr_in inet{};
    std::memcpy(&inet, &address.storage, sizeof inet);
    return ntohs(inet.sin_port);
}

}  // namespace sup
