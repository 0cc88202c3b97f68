// Listeners with a socket for each slot.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "listening.h"
#include "master/sockets/listener.h"
#include "master/sockets/reuseport_group.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;
using config::Transport;

namespace {

config::Listen listen_on(std::uint16_t port = 0, Transport transport = Transport::stream) {
    config::Listen listen;
    listen.name = "http";
    listen.address = {transport, config::InetAddress{"127.0.0.1", port}};
    listen.reuseport = true;
    return listen;
}

std::shared_ptr<const Listener> acquired(const config::Listen& wanted, const Listeners& held,
                                         std::size_t slots) {
    auto listeners = acquire_listeners({wanted}, held, slots);
    if (!listeners) FAIL(listeners.error().message);
    return listeners->front();
}

sockaddr_in address_of(const Listener& listener) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_of(listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

// How many of so many new clients come to each socket. They are taken out of the queues.
std::vector<int> spread(const Listener& listener, int clients, const Sockets& sockets) {
    const sockaddr_in address = address_of(listener);
    const bool stream = listener.kind() == "tcp";
    std::vector<UniqueFd> open;
    for (int i = 0; i < clients; ++i) {
        open.emplace_back(::socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(open.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
        REQUIRE(::send(open.back().get(), "x", 1, 0) == 1);
    }
    std::vector<int> counts;
    for (const auto& socket : sockets) {
        REQUIRE(::fcntl(socket->fd(), F_SETFL, O_NONBLOCK) == 0);
        int count = 0;
        char byte = 0;
        while (stream ? bool(UniqueFd{::accept(socket->fd(), nullptr, nullptr)})
                      : ::recv(socket->fd(), &byte, 1, 0) == 1) {
            ++count;
        }
        counts.push_back(count);
    }
    CHECK(std::accumulate(counts.begin(), counts.end(), 0) == clients);
    return counts;
}

// To the first ones.
void steer(const Listener& listener, std::size_t slots) {
    const Status steered =
        steer_clients(listener.fd(), static_cast<std::uint32_t>(slots), std::vector<bool>(slots, true));
    if (!steered) FAIL(steered.error().message);
}

bool each_has_some(const std::vector<int>& counts) {
    return std::all_of(counts.begin(), counts.end(), [](int count) { return count > 0; });
}

}  // namespace

TEST_CASE("a reuseport listener has a socket for each slot, at one address, and clients come to the first") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const auto listener = bound(listen_on(0, transport), 4);
    REQUIRE(listener->sockets().size() == 4);
    for (std::size_t slot = 0; slot < 4; ++slot) {
        CHECK(listener->fd(slot) == listener->sockets()[slot]->fd());
        CHECK(listener->sockets()[slot]->bound() == listener->socket()->bound());
    }
    CHECK(listener->fd(4) == listener->fd(0));  // slots that were added share
    CHECK(spread(*listener, 100, listener->sockets()) == std::vector{100, 0, 0, 0});
}

TEST_CASE("clients are steered to the first sockets, and spread over all of these") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const auto listener = bound(listen_on(0, transport), 4);
    for (const std::size_t slots : {std::size_t{4}, std::size_t{2}, std::size_t{3}, std::size_t{1}}) {
        steer(*listener, slots);
        const std::vector<int> counts = spread(*listener, 200, listener->sockets());
        for (std::size_t i = 0; i < counts.size(); ++i) CHECK((counts[i] > 0) == (i < slots));
    }
}

TEST_CASE("clients come to the sockets whose worker accepts, whichever these are") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const auto listener = bound(listen_on(0, transport), 6);
    for (const std::vector<bool>& accepting : {std::vector<bool>{false, true, true, true, true, true},
                                               {false, false, false, false, true},
                                               {true, false, true, true, false, true},
                                               {false, false, false, false, false, true},
                                               {true}}) {
        for (const std::uint32_t homes : {6U, 2U, 1U}) {
            REQUIRE(steer_clients(listener->fd(), homes, accepting));
            const std::vector<int> counts = spread(*listener, 200, listener->sockets());
            const bool all_at_home =
                std::all_of(accepting.begin(),
                            accepting.begin() + std::min<std::ptrdiff_t>(homes, std::ssize(accepting)),
                            [](bool one) { return one; }) &&
                accepting.size() >= homes;
            for (std::size_t i = 0; i < counts.size(); ++i) {
                INFO("socket " << i << ", " << homes << " homes");
                const bool reached = i < accepting.size() && accepting[i] && (i < homes || !all_at_home);
                CHECK((counts[i] > 0) == reached);
            }
        }
    }
}

TEST_CASE("a client stays at its home while somebody accepts there, and comes back to it") {
    const auto listener = bound(listen_on(0, Transport::datagram), 4);
    const sockaddr_in address = address_of(*listener);
    const UniqueFd client{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto comes_to = [&](const std::vector<bool>& accepting) {
        REQUIRE(steer_clients(listener->fd(), 4, accepting));
        REQUIRE(::send(client.get(), "x", 1, 0) == 1);
        for (std::size_t i = 0; i < 4; ++i) {
            char byte = 0;
            if (::recv(listener->fd(i), &byte, 1, MSG_DONTWAIT) == 1) return i;
        }
        FAIL("the datagram came to no socket");
        return std::size_t{4};
    };
    const std::vector<bool> all(4, true);
    const std::size_t home = comes_to(all);
    for (std::size_t other = 0; other < 4; ++other) {
        std::vector<bool> without = all;
        without[other] = false;
        CHECK((comes_to(without) == home) == (other != home));
    }
    CHECK(comes_to(all) == home);
}

TEST_CASE("no socket is added beside another program's, and whose it is is said") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const auto first = bound(listen_on(0, transport), 2);
    const auto foreign = ListeningSocket::bind_beside(listen_on(0, transport), *first->socket());
    REQUIRE(foreign);
    const auto refused = acquire_listeners({listen_on(0, transport)}, {first}, 3);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message, Contains("is shared by pid " + std::to_string(::getpid())));
    CHECK_THAT(refused.error().message, Contains("SO_REUSEPORT"));
    CHECK(acquired(listen_on(0, transport), {first}, 2)->sockets().size() == 2);
}

TEST_CASE("who joins a socket that a failed reload was to share gets nobody, and blocks that reload") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    config::Listen plain = listen_on(0, transport);
    plain.reuseport = false;
    const auto first = bound(plain, 1);
    acquired(listen_on(0, transport), {first}, 3).reset();
    CHECK(spread(*first, 20, first->sockets()) == std::vector{20});
    const auto foreign = ListeningSocket::bind_beside(listen_on(0, transport), *first->socket());
    REQUIRE(foreign);
    CHECK(spread(*first, 100, {first->socket(), *foreign}) == std::vector{100, 0});
    CHECK_FALSE(acquire_listeners({listen_on(0, transport)}, {first}, 3));
}

TEST_CASE("a reload with more slots adds sockets that get nobody before they are steered to") {
    const auto first = bound(listen_on(), 2);
    steer(*first, 2);
    const auto second = acquired(listen_on(), {first}, 4);
    REQUIRE(second->sockets().size() == 4);
    CHECK(second->socket(0) == first->socket(0));
    CHECK(second->socket(1) == first->socket(1));
    const std::vector<int> before = spread(*second, 200, second->sockets());
    CHECK(before[2] + before[3] == 0);
    steer(*second, 4);
    CHECK(each_has_some(spread(*second, 200, second->sockets())));
}

TEST_CASE("a reload that fails after it added sockets leaves the old ones as they were") {
    const auto first = bound(listen_on(), 2);
    steer(*first, 2);
    acquired(listen_on(), {first}, 4).reset();
    CHECK(each_has_some(spread(*first, 200, first->sockets())));
}

TEST_CASE("a reload with fewer slots keeps the first sockets, and what is queued in the others stays there") {
    auto first = bound(listen_on(), 4);
    steer(*first, 4);
    const sockaddr_in address = address_of(*first);
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 100; ++i) {
        clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 0);
    }
    const auto second = acquired(listen_on(), {first}, 2);
    CHECK(second->sockets().size() == 2);
    steer(*second, 2);
    std::size_t queued = 0;
    for (const auto& socket : first->sockets()) queued += socket->queued();
    CHECK(queued == 100);
    CHECK(first->sockets()[2]->queued() > 0);
    CHECK_FALSE(second->serves(first->socket(2), 2));
    CHECK(second->serves(first->socket(1), 2));
    CHECK_FALSE(second->serves(first->socket(1), 1));
}

TEST_CASE("sockets that still drain are taken back by a reload that wants them again") {
    const auto first = bound(listen_on(), 4);
    const auto second = acquired(listen_on(), {first}, 2);
    const auto third = acquired(listen_on(), {second, first}, 5);
    for (std::size_t slot = 0; slot < 4; ++slot) CHECK(third->socket(slot) == first->socket(slot));
    steer(*third, 5);
    CHECK(each_has_some(spread(*third, 200, third->sockets())));
}

TEST_CASE("a reload switches reuseport on and off, and keeps the first socket") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    config::Listen plain = listen_on(0, transport);
    plain.reuseport = false;
    const auto first = bound(plain, 4);
    CHECK(first->sockets().size() == 1);
    const auto second = acquired(listen_on(0, transport), {first}, 3);
    REQUIRE(second->sockets().size() == 3);
    CHECK(second->socket() == first->socket());
    CHECK(spread(*second, 100, second->sockets())[0] == 100);
    steer(*second, 3);
    CHECK(each_has_some(spread(*second, 200, second->sockets())));

    const auto third = acquired(plain, {second, first}, 3);
    CHECK(third->sockets().size() == 1);
    CHECK(third->socket() == first->socket());
    steer(*third, 1);
    CHECK(spread(*third, 100, second->sockets())[0] == 100);
}

TEST_CASE("reuseport shares no port with another program of the same user") {
    const Transport transport = GENERATE(Transport::stream, Transport::datagram);
    const auto other = bound(listen_on(0, transport), 1);
    const auto listener = Listener::bind(listen_on(port_of(*other), transport), 2);
    REQUIRE_FALSE(listener);
    CHECK_THAT(listener.error().message, Contains("is in use by pid " + std::to_string(::getpid())));
}

TEST_CASE("all sockets of a reuseport listener are restored") {
    config::Listen settings = listen_on();
    settings.nonblock = true;
    const auto listener = bound(settings, 3);
    for (const auto& socket : listener->sockets()) REQUIRE(socket->set_nonblock(false));
    CHECK(listener->restore());
    for (const auto& socket : listener->sockets()) CHECK(socket->nonblock_now());
}
