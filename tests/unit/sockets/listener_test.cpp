#include "master/sockets/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "config/address.h"
#include "listening.h"
#include "master/sockets/socket_cloak.h"
#include "master/sockets/socket_owner.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

namespace {

config::Listen listen_on(const std::string& name, const std::string& host, std::uint16_t port = 0) {
    config::Listen listen;
    listen.name = name;
    listen.address.place = config::InetAddress{host, port};
    return listen;
}

config::Address tcp(const std::string& host, std::uint16_t port) {
    return {config::Transport::stream, config::InetAddress{host, port}};
}

std::string acquire_error(const std::vector<config::Listen>& wanted, const Listeners& held) {
    const auto listeners = acquire_listeners(wanted, held);
    return listeners ? "no error" : listeners.error().message;
}

int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
    return value;
}

int tcp_option(const Listener& listener, int name) {
    return option(listener.fd(), IPPROTO_TCP, name);
}

bool nonblock(int fd) {
    return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

// For a listening socket tcpi_sacked is its backlog (tcp_get_info in the kernel, what ss(8) shows).
std::uint32_t backlog(int fd) {
    tcp_info info{};
    socklen_t size = sizeof info;
    REQUIRE(::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info.tcpi_sacked;
}

bool connects(const std::string& host, std::uint16_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    const UniqueFd client{::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port);
    ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr);
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &four.sin_addr);
    return ::connect(client.get(),
                     v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four),
                     v6 ? sizeof six : sizeof four) == 0;
}

bool has_ipv6() {
    return static_cast<bool>(Listener::bind(listen_on("probe", "::1")));
}

}  // namespace

TEST_CASE("a listener listens where it says, closes on exec, and blocks unless told otherwise") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.backlog = 17;
    const auto blocking = bound(settings);
    CHECK(blocking->name() == "http");
    CHECK(blocking->address() == "127.0.0.1:" + std::to_string(port_of(*blocking)));
    CHECK(port_of(*blocking) != 0);
    CHECK(connects("127.0.0.1", port_of(*blocking)));
    CHECK((::fcntl(blocking->fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option(blocking->fd(), SOL_SOCKET, SO_REUSEADDR) == 1);
    CHECK_FALSE(nonblock(blocking->fd()));
    CHECK(backlog(blocking->fd()) == 17);
    settings.nonblock = true;
    CHECK(nonblock(bound(settings)->fd()));
}

TEST_CASE("a literal IPv6 address is IPv6 alone, and * is both") {
    if (!has_ipv6()) return skip("no IPv6 here");
    for (const std::string host : {"::1", "::"}) {
        const auto six = bound(listen_on("six", host));
        CHECK(six->address() == "[" + host + "]:" + std::to_string(port_of(*six)));
        CHECK(option(six->fd(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
        CHECK(connects("::1", port_of(*six)));
    }

    const auto any = bound(listen_on("any", "*"));
    CHECK(any->address() == "*:" + std::to_string(port_of(*any)));
    CHECK(connects("::1", port_of(*any)));
    CHECK(connects("127.0.0.1", port_of(*any)));
}

TEST_CASE("an address in use is an error that names the listener and the process that uses it") {
    const auto first = bound(listen_on("first", "127.0.0.1"));
    const auto second = Listener::bind(listen_on("second", "127.0.0.1", port_of(*first)));
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().message,
               Catch::Matchers::StartsWith("listener second: " + first->address() + " is in use by pid " +
                                           std::to_string(::getpid()) + " (unit-sockets)"));
}

TEST_CASE("the owners of an address are those whose listening socket keeps it") {
    const auto listener = bound(listen_on("first", "127.0.0.1"));
    const std::uint16_t port = port_of(*listener);
    for (const char* host : {"127.0.0.1", "0.0.0.0", "*"}) {
        const auto owners = find_socket_owners(tcp(host, port));
        REQUIRE_FALSE(owners.empty());
        CHECK(std::any_of(owners.begin(), owners.end(), [](const SocketOwner& owner) {
            return owner.pid == ::getpid() && owner.command == "unit-sockets";
        }));
    }
    const auto others = find_socket_owners(tcp("127.0.0.2", port));
    CHECK(
        std::none_of(others.begin(), others.end(), [](const SocketOwner& o) { return o.pid == ::getpid(); }));
}

TEST_CASE("an address that no interface has is an error that says so") {
    // TEST-NET-1 (RFC 5737): on no machine.
    const auto listener = Listener::bind(listen_on("http", "192.0.2.1", 8080));
    REQUIRE_FALSE(listener);
    CHECK_THAT(listener.error().message,
               Contains("listener http: 192.0.2.1:8080") && Contains("no network interface"));
}

TEST_CASE("a port that needs a privilege is an error that says how to get it") {
    std::ifstream sysctl{"/proc/sys/net/ipv4/ip_unprivileged_port_start"};
    int first_free = 0;
    if (!(sysctl >> first_free) || first_free <= 1) return skip("every port is free to everybody here");
    Pipe result = make_pipe();
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(1);
        const auto listener = Listener::bind(listen_on("http", "127.0.0.1", 1));
        const std::string text = listener ? "bound" : listener.error().message;
        ::_exit(::write(result.writer.get(), text.data(), text.size()) > 0 ? 0 : 1);
    }
    result.writer.reset();
    CHECK_THAT(read_to_end(result.reader.get()),
               Contains("listener http: 127.0.0.1:1 needs a privilege") && Contains("CAP_NET_BIND_SERVICE"));
    CHECK(wait_for_exit(child) == 0);
}

TEST_CASE(
    "restoring undoes what a worker did to the shared socket, and never takes O_NONBLOCK from one that set "
    "it") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.backlog = 100;
    const auto listener = bound(settings);
    REQUIRE(::listen(listener->fd(), 5) == 0);
    REQUIRE(::fcntl(listener->fd(), F_SETFL, O_NONBLOCK) == 0);
    CHECK(backlog(listener->fd()) == 5);
    CHECK(listener->restore());
    CHECK(backlog(listener->fd()) == 100);
    CHECK(nonblock(listener->fd()));

    REQUIRE(::fcntl(listener->fd(), F_SETFL, 0) == 0);
    CHECK(listener->restore());
    CHECK_FALSE(nonblock(listener->fd()));
    settings.nonblock = true;
    const Listener wants_nonblock(settings, {}, listener->sockets());
    CHECK(wants_nonblock.restore());
    CHECK(nonblock(listener->fd()));
}

TEST_CASE("what a listener says of TCP is set on the socket, and again when a worker has changed it") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.tcp_nodelay = true;
    settings.fastopen = 5;
    settings.defer_accept = Duration{2500};
    const auto listener = bound(settings);
    CHECK(tcp_option(*listener, TCP_NODELAY) == 1);
    CHECK(tcp_option(*listener, TCP_FASTOPEN) == 5);
    CHECK(tcp_option(*listener, TCP_DEFER_ACCEPT) >= 3);  // the kernel counts in retransmissions
    const int off = 0;
    REQUIRE(::setsockopt(listener->fd(), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off) == 0);
    CHECK(listener->restore());
    CHECK(tcp_option(*listener, TCP_NODELAY) == 1);

    const auto plain = bound(listen_on("plain", "127.0.0.1"));
    CHECK(tcp_option(*plain, TCP_NODELAY) == 0);
    CHECK(tcp_option(*plain, TCP_DEFER_ACCEPT) == 0);
}

TEST_CASE("a UDP listener receives, shares no address, and keeps its socket") {
    // An address of its own: no other test's connection has its port there.
    config::Listen settings = listen_on("dns", "127.0.0.77");
    settings.address.transport = config::Transport::datagram;
    const auto listener = bound(settings);
    const std::uint16_t port = port_of(*listener);
    CHECK(listener->address() == "udp:127.0.0.77:" + std::to_string(port));
    CHECK(listener->kind() == "udp");
    CHECK(option(listener->fd(), SOL_SOCKET, SO_TYPE) == SOCK_DGRAM);
    // With it on both sides, the second socket would take the datagrams away.
    CHECK(option(listener->fd(), SOL_SOCKET, SO_REUSEADDR) == 0);
    CHECK(listener->restore());

    const UniqueFd client{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 76);
    REQUIRE(::sendto(client.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 1);
    char byte = 0;
    CHECK(::recv(listener->fd(), &byte, 1, 0) == 1);

    CHECK(acquired({settings}, {listener})[0]->socket() == listener->socket());
    std::get<config::InetAddress>(settings.address.place).port = port;
    const auto second = Listener::bind(settings);
    REQUIRE_FALSE(second);
    CHECK_THAT(second.error().message, Contains("listener dns: udp:127.0.0.77:" + std::to_string(port) +
                                                " is in use by pid " + std::to_string(::getpid())));
    // TCP is another matter.
    CHECK(Listener::bind(listen_on("http", "127.0.0.77", port)));
}

TEST_CASE("a reload keeps the socket of an address that it keeps, under new settings") {
    const auto old_one = bound(listen_on("http", "127.0.0.1"));
    config::Listen settings = listen_on("web", "127.0.0.1", port_of(*old_one));
    settings.backlog = 9;
    settings.nonblock = true;
    const Listeners kept = acquired({settings}, {old_one});
    REQUIRE(kept.size() == 1);
    CHECK(kept[0]->socket() == old_one->socket());
    CHECK(kept[0]->name() == "web");
    CHECK(old_one->name() == "http");
    // The reload may still fail: the socket is as the old generation wants it.
    CHECK(backlog(old_one->fd()) == 4096);
    CHECK_FALSE(nonblock(old_one->fd()));
    CHECK(kept[0]->apply());
    CHECK(backlog(old_one->fd()) == 9);
    CHECK(nonblock(old_one->fd()));
}

TEST_CASE("until a generation is active, its workers find kept sockets as the active one wants them") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.backlog = 100;
    settings.defer_accept = Duration{1000};
    const auto old_one = bound(settings);
    const int before = tcp_option(*old_one, TCP_DEFER_ACCEPT);
    settings.backlog = 9;
    settings.nonblock = true;
    settings.tcp_nodelay = true;
    settings.defer_accept = Duration{60'000};
    const Listeners next = acquired({settings, listen_on("new", "127.0.0.1")}, {old_one});
    for (const auto& listener : next) {
        REQUIRE(::listen(listener->fd(), 5) == 0);
        CHECK(listener->restore({old_one}));
    }
    CHECK(backlog(old_one->fd()) == 100);
    CHECK_FALSE(nonblock(old_one->fd()));
    CHECK(tcp_option(*old_one, TCP_NODELAY) == 0);
    CHECK(tcp_option(*old_one, TCP_DEFER_ACCEPT) == before);
    CHECK(backlog(next[1]->fd()) == 4096);

    CHECK(next[0]->apply());
    CHECK(backlog(old_one->fd()) == 9);
    CHECK(nonblock(old_one->fd()));
    CHECK(tcp_option(*old_one, TCP_NODELAY) == 1);
    CHECK(tcp_option(*old_one, TCP_DEFER_ACCEPT) > before);
    // One of the old generation's workers comes back, and then another of the new one's.
    CHECK(old_one->restore(next));
    CHECK(backlog(old_one->fd()) == 9);
}

TEST_CASE("an option that is not configured any more becomes what it was, and others are left alone") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    const auto plain = bound(settings);
    settings.fastopen = 5;
    settings.defer_accept = Duration{1000};
    const Listener wants_options(settings, {}, plain->sockets());
    CHECK(wants_options.apply());
    // As a worker does that wants it so.
    const int on = 1;
    REQUIRE(::setsockopt(plain->fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    CHECK(tcp_option(*plain, TCP_FASTOPEN) == 5);
    CHECK(plain->restore());
    CHECK(tcp_option(*plain, TCP_FASTOPEN) == 5);
    CHECK(plain->apply());
    CHECK(tcp_option(*plain, TCP_FASTOPEN) == 0);
    CHECK(tcp_option(*plain, TCP_DEFER_ACCEPT) == 0);
    CHECK(tcp_option(*plain, TCP_NODELAY) == 1);
}

TEST_CASE("a port that the kernel chose is kept while name and address stay") {
    const auto old_one = bound(listen_on("http", "127.0.0.1"));
    CHECK(acquired({listen_on("http", "127.0.0.1")}, {old_one})[0]->socket() == old_one->socket());
    CHECK(acquired({listen_on("other", "127.0.0.1")}, {old_one})[0]->socket() != old_one->socket());
    if (has_ipv6()) CHECK(acquired({listen_on("http", "::1")}, {old_one})[0]->socket() != old_one->socket());
}

TEST_CASE("two listeners on port 0 never share a socket") {
    const auto old_one = bound(listen_on("a", "127.0.0.1"));
    const Listeners two = acquired({listen_on("a", "127.0.0.1"), listen_on("b", "127.0.0.1")}, {old_one});
    CHECK(two[0]->socket() == old_one->socket());
    CHECK(two[1]->socket() != old_one->socket());
}

TEST_CASE(
    "a port that the kernel chose may be written out as a number, and its socket then serves that listener "
    "alone") {
    const auto old_one = bound(listen_on("http", "127.0.0.1"));
    const Listeners two = acquired(
        {listen_on("web", "127.0.0.1", port_of(*old_one)), listen_on("http", "127.0.0.1")}, {old_one});
    CHECK(two[0]->socket() == old_one->socket());
    CHECK(two[1]->socket() != old_one->socket());
}

TEST_CASE("the order of the listeners is that of the configuration") {
    const auto a = bound(listen_on("a", "127.0.0.1"));
    const auto b = bound(listen_on("b", "127.0.0.1"));
    const Listeners swapped = acquired({listen_on("b", "127.0.0.1"), listen_on("a", "127.0.0.1")}, {a, b});
    CHECK(swapped[0]->socket() == b->socket());
    CHECK(swapped[1]->socket() == a->socket());
}

TEST_CASE("acquiring is all or nothing") {
    const auto taken = bound(listen_on("elsewhere", "127.0.0.1"));
    const auto before = open_descriptors();
    const std::string error =
        acquire_error({listen_on("new", "127.0.0.1"), listen_on("second", "127.0.0.1", port_of(*taken))}, {});
    CHECK_THAT(error, Contains("listener second") && Contains("is in use by"));
    CHECK(open_descriptors() == before);
}

namespace {

// Whose queue a client of this port comes to.
bool client_comes_to(const Listener& listener, const std::string& host) {
    const std::size_t before = listener.socket()->queued();
    REQUIRE(connects(host, port_of(listener)));
    return wait_until([&] { return listener.socket()->queued() > before; });
}

}  // namespace

TEST_CASE("a reload moves between a wildcard and one address of a port, and back, and old clients stay") {
    const auto [from, to] = GENERATE(
        std::pair{"0.0.0.0", "127.0.0.1"}, std::pair{"127.0.0.1", "0.0.0.0"}, std::pair{"*", "127.0.0.1"},
        std::pair{"127.0.0.1", "*"}, std::pair{"0.0.0.0", "*"}, std::pair{"*", "0.0.0.0"},
        std::pair{"::", "::1"}, std::pair{"::1", "::"}, std::pair{"*", "::"}, std::pair{"::", "*"});
    if (!has_ipv6()) return skip("no IPv6 here");
    INFO(from << " to " << to);
    const bool v6 =
        std::string(from).find(':') != std::string::npos || std::string(to).find(':') != std::string::npos;
    const auto old_one = bound(listen_on("http", from));
    const std::uint16_t port = port_of(*old_one);
    REQUIRE(connects(v6 ? "::1" : "127.0.0.1", port));
    const Listeners next = acquired({listen_on("http", to, port)}, {old_one});
    CHECK(next[0]->address() == config::to_string(tcp(to, port)));
    CHECK(old_one->socket()->queued() == 1);
    if (!may_show_sockets()) return skip("only with CAP_NET_RAW a socket can be shown again");
    // Until the promotion clients come to who serves now, afterwards to who serves then.
    CHECK(client_comes_to(*old_one, v6 ? "::1" : "127.0.0.1"));
    REQUIRE(next[0]->apply().ok());
    if (old_one->socket()->takes_clients_of(*next[0]->socket())) REQUIRE(old_one->socket()->hide().ok());
    CHECK(client_comes_to(*next[0], v6 ? "::1" : "127.0.0.1"));
    CHECK(old_one->socket()->queued() == 2);
}

TEST_CASE("a reload that moves an address and fails leaves the old socket as it was") {
    const auto wide = bound(listen_on("http", "0.0.0.0"));
    Listeners next = acquired({listen_on("http", "127.0.0.1", port_of(*wide))}, {wide});
    next.clear();
    CHECK(client_comes_to(*wide, "127.0.0.1"));
}

TEST_CASE("an address moves with a socket for each slot, too") {
    config::Listen narrow = listen_on("http", "127.0.0.1");
    const auto wide = bound(listen_on("http", "0.0.0.0"));
    narrow.address.place = config::InetAddress{"127.0.0.1", port_of(*wide)};
    narrow.reuseport = true;
    const auto next = acquire_listeners({narrow}, {wide}, 3);
    REQUIRE(next);
    CHECK((*next)[0]->sockets().size() == 3);
    REQUIRE((*next)[0]->apply().ok());
    CHECK(connects("127.0.0.1", port_of(*wide)));
    CHECK(wait_until([&] { return (*next)[0]->queue()->length == 1; }));
    CHECK(wide->socket()->queued() == 0);
}

TEST_CASE("an address that another program uses beside ours is refused, naming that program") {
    const auto ours = bound(listen_on("http", "127.0.0.1"));
    const auto theirs = bound(listen_on("theirs", "127.0.0.2", port_of(*ours)));
    const std::string error = acquire_error({listen_on("http", "0.0.0.0", port_of(*ours))}, {ours});
    CHECK_THAT(error, Contains("is in use by pid " + std::to_string(::getpid())));
    CHECK(connects("127.0.0.1", port_of(*ours)));
}

TEST_CASE("a UDP listener moves between a wildcard and one address") {
    const auto [from, to] = GENERATE(std::pair{"0.0.0.0", "127.0.0.1"}, std::pair{"127.0.0.1", "0.0.0.0"});
    config::Listen old_settings = listen_on("dns", from);
    old_settings.address.transport = config::Transport::datagram;
    const auto old_one = bound(old_settings);
    config::Listen settings = listen_on("dns", to, port_of(*old_one));
    settings.address.transport = config::Transport::datagram;
    const Listeners next = acquired({settings}, {old_one});
    CHECK(next[0]->address() == "udp:" + config::to_string(tcp(to, port_of(*old_one))));
}

TEST_CASE("a TCP listener that a worker has shut down listens again where it was, with its options") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.backlog = 17;
    const int times = GENERATE(1, 2);  // a second worker's shutdown makes connections that are born shut
    const auto listener = bound(settings);
    const std::uint16_t port = port_of(*listener);
    const UniqueFd of_worker{::dup(listener->fd())};
    CHECK_FALSE(listener->socket()->shut_down());
    for (int i = 0; i < times; ++i) ::shutdown(of_worker.get(), SHUT_RDWR);
    CHECK(listener->socket()->shut_down());
    CHECK(listener->dead_socket() == nullptr);  // it can be mended
    REQUIRE(listener->restore().ok());
    CHECK_FALSE(listener->socket()->shut_down());
    CHECK(connects("127.0.0.1", port));
    CHECK(backlog(listener->fd()) == 17);
    const UniqueFd accepted{::accept(of_worker.get(), nullptr, nullptr)};
    REQUIRE(accepted);
    CHECK(::send(accepted.get(), "x", 1, MSG_NOSIGNAL) == 1);
}

TEST_CASE("a UDP listener that a worker has shut down is bound again by the next reload") {
    config::Listen settings = listen_on("dns", "127.0.0.1");
    settings.address.transport = config::Transport::datagram;
    const auto old_one = bound(settings);
    CHECK(old_one->dead_socket() == nullptr);
    ::shutdown(old_one->fd(), SHUT_RDWR);
    CHECK(old_one->dead_socket() != nullptr);
    settings.address.place = config::InetAddress{"127.0.0.1", port_of(*old_one)};
    const Listeners next = acquired({settings}, {old_one});
    CHECK(next[0]->socket() != old_one->socket());
    CHECK(next[0]->dead_socket() == nullptr);
    const UniqueFd client{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port_of(*old_one));
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; ++i)
        REQUIRE(::sendto(client.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&there), sizeof there) == 1);
    char byte = 0;
    for (int i = 0; i < 8; ++i) CHECK(::recv(next[0]->fd(), &byte, 1, 0) == 1);
}

TEST_CASE("a listener tells how many wait, and how many may") {
    config::Listen settings = listen_on("http", "127.0.0.1");
    settings.backlog = 17;
    const auto listener = bound(settings);
    CHECK(connects("127.0.0.1", port_of(*listener)));
    CHECK(connects("127.0.0.1", port_of(*listener)));
    REQUIRE(wait_until([&] { return listener->queue()->length == 2; }));
    CHECK(listener->queue()->limit == 17);
}

TEST_CASE("a socket closes with the last generation that holds it, and not before") {
    const auto before = open_descriptors();
    auto old_one = bound(listen_on("http", "127.0.0.1"));
    const std::uint16_t port = port_of(*old_one);
    Listeners next = acquired({listen_on("http", "127.0.0.1")}, {old_one});
    old_one.reset();
    CHECK(connects("127.0.0.1", port));
    next.clear();
    CHECK(open_descriptors() == before);
}
