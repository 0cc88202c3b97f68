#include "master/sockets/shared_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "listening.h"
#include "tests/unit/support.h"
#include "tests/unit/turn.h"

using namespace sup;
using namespace sup::test;
using Catch::Matchers::Contains;

namespace {

config::Listen http_at(const std::string& host, std::uint16_t port = 0) {
    config::Listen listen;
    listen.name = "http";
    listen.address.place = config::InetAddress{host, port};
    return listen;
}

bool is_nonblocking(const Listener& listener) {
    return (::fcntl(listener.fd(), F_GETFL) & O_NONBLOCK) != 0;
}

void set_nonblocking(const Listener& listener, bool on) {
    const int flags = ::fcntl(listener.fd(), F_GETFL);
    REQUIRE(::fcntl(listener.fd(), F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0);
}

// Whether the kernel lets a client in.
bool can_connect(std::uint16_t port) {
    const UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

constexpr core::GenerationId generation_one{1};
constexpr core::GenerationId generation_two{2};

struct House {
    uv::Loop loop;
    ListenerSteering::ByGeneration listeners;
    std::vector<std::string> said;
    std::vector<std::string> said_again;
    SharedSockets sockets{loop.get(),
                          {.listeners = [this] { return listeners; },
                           .say = [this](auto, const std::string& text) { said.push_back(text); },
                           .say_again = [this](const std::string& text) { said_again.push_back(text); }}};

    const Listener& open(core::GenerationId generation, const config::Listen& settings,
                         const Listeners& held = {}) {
        listeners[generation] = sup::test::acquired({settings}, held);
        sockets.watch(listeners[generation]);
        return *listeners[generation].front();
    }
    void serve(core::GenerationId generation, core::GenerationState state = core::GenerationState::active) {
        sockets.steer({{generation, state, 1, {0}}});
    }
};

}  // namespace

TEST_CASE("a listener that a worker has shut down listens again while it is served, and it is said") {
    House house;
    const Listener& http = house.open(generation_one, http_at("127.0.0.1"));
    house.serve(generation_one);
    REQUIRE(::shutdown(http.fd(), SHUT_RDWR) == 0);
    while (house.said_again.empty()) turn(house.loop.get());
    CHECK_THAT(house.said_again.front(), Contains("a worker has shut it down"));
    CHECK(can_connect(port_of(http)));
    // Once more: it is watched again.
    REQUIRE(::shutdown(http.fd(), SHUT_RDWR) == 0);
    while (house.said_again.size() < 2) turn(house.loop.get());
    CHECK(can_connect(port_of(http)));
}

TEST_CASE("who looks does not have to wait for the loop, and nothing is mended that nobody needs") {
    House house;
    const Listener& http = house.open(generation_one, http_at("127.0.0.1"));
    REQUIRE(::shutdown(http.fd(), SHUT_RDWR) == 0);
    house.serve(generation_one, core::GenerationState::draining);
    house.sockets.mend();
    CHECK(house.said_again.empty());
    house.serve(generation_one);
    house.sockets.mend();
    CHECK(house.said_again.size() == 1);
    CHECK(can_connect(port_of(http)));
    house.sockets.stop();
}

TEST_CASE("O_NONBLOCK that a release leaves behind is taken back as it was before the first that failed") {
    House house;
    const Listener& http = house.open(generation_one, http_at("127.0.0.1"));
    set_nonblocking(http, false);
    house.sockets.note_nonblock(false);
    set_nonblocking(http, true);        // by one that fails
    house.sockets.note_nonblock(true);  // ... and has not left when the next one begins
    house.sockets.restore_nonblock(house.listeners[generation_one]);
    CHECK_FALSE(is_nonblocking(http));
    set_nonblocking(http, true);
    house.sockets.note_nonblock(false);
    house.sockets.restore_nonblock(house.listeners[generation_one]);
    CHECK(is_nonblocking(http));
}

TEST_CASE("clients of a generation that moved to every address come to it, and not to the one it replaced") {
    House house;
    const Listener& narrow = house.open(generation_one, http_at("127.0.0.1"));
    house.serve(generation_one);
    const Listener& wide =
        house.open(generation_two, http_at("*", port_of(narrow)), house.listeners[generation_one]);
    house.sockets.promote(house.listeners[generation_two]);
    CHECK(narrow.socket()->hidden());
    CHECK_FALSE(wide.socket()->hidden());
    CHECK(house.said.empty());
}

TEST_CASE("a listener whose address is kept is never hidden") {
    House house;
    const Listener& before = house.open(generation_one, http_at("127.0.0.1"));
    house.open(generation_two, http_at("127.0.0.1", port_of(before)), house.listeners[generation_one]);
    house.sockets.promote(house.listeners[generation_two]);
    CHECK_FALSE(before.socket()->hidden());
    CHECK(can_connect(port_of(before)));
}

TEST_CASE("a unix socket that was shut down cannot be mended, and says what helps") {
    House house;
    const TemporaryDirectory folder;
    config::Listen listen;
    listen.name = "http";
    listen.address.place = config::UnixAddress{folder.path() + "/x.sock"};
    const Listener& http = house.open(generation_one, listen);
    house.serve(generation_one);
    CHECK(house.sockets.problem_of(http).empty());
    REQUIRE(::shutdown(http.fd(), SHUT_RDWR) == 0);
    while (house.said.empty()) turn(house.loop.get());
    CHECK_THAT(house.said.front(), Contains("cannot be undone; `sup reload` binds it again"));
    CHECK_THAT(house.sockets.problem_of(http), Contains("was shut down by a worker"));
}
