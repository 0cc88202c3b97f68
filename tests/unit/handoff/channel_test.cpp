#include "master/handoff/channel.h"

#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common/unix_message.h"
#include "tests/catch.h"
#include "tests/unit/handoff/in_flight.h"
#include "tests/unit/handoff/open_inbox.h"
#include "tests/unit/turn.h"

namespace {

std::array<sup::UniqueFd, 2> socket_pair(int type) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {sup::UniqueFd{ends[0]}, sup::UniqueFd{ends[1]}};
}

bool refused(sup::UniqueFd socket) {
    sup::uv::Loop loop;
    return !sup::WorkerChannel::adopt(loop.get(), std::move(socket), {}).ok();
}

struct Packet {
    nlohmann::json json;
    std::size_t descriptors = 0;
};

// A channel, and the worker at its other end.
struct Channel {
    sup::uv::Loop loop;
    sup::UniqueFd workers;
    std::unique_ptr<sup::WorkerChannel> masters;
    int opened = 0;
    std::vector<std::string> troubles;

    Channel() {
        auto ends = socket_pair(SOCK_SEQPACKET);
        workers = std::move(ends[1]);
        auto channel = sup::WorkerChannel::adopt(
            loop.get(), std::move(ends[0]),
            {[this] { ++opened; }, [this](const std::string& what) { troubles.push_back(what); }});
        REQUIRE(channel.ok());
        masters = std::move(*channel);
    }

    std::optional<Packet> receive() {
        std::array<char, 1024> buffer{};
        const auto received = sup::receive_unix_message(workers.get(), buffer);
        if (!received.value()) return std::nullopt;
        return Packet{nlohmann::json::parse(std::string_view(buffer.data(), received.value()->size)),
                      received.value()->descriptors.size()};
    }
    // Lets the master try again until something has come.
    Packet wait() {
        for (;;) {
            if (auto packet = receive()) return *packet;
            REQUIRE(uv_loop_alive(loop.get()));
            sup::test::turn(loop.get());
        }
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the drain packet names what a successor serves and what nobody will, and carries its inbox") {
    Channel channel;
    channel.masters->send_drain({{"http"}, {"old"}}, sup::test::open_inbox());
    const auto packet = channel.receive();
    REQUIRE(packet);
    CHECK(packet->json["type"] == "drain");
    CHECK(packet->json["listeners"] == Names{"http"});
    CHECK(packet->json["retired"] == Names{"old"});
    CHECK(packet->descriptors == 1);
    CHECK_FALSE(channel.receive());
}

TEST_CASE("without a successor's inbox the drain packet carries no descriptor") {
    Channel channel;
    channel.masters->send_drain({}, nullptr);
    CHECK(channel.receive()->descriptors == 0);
}

TEST_CASE("a drain packet whose descriptor is refused goes at once without it, and again with it later") {
    Channel channel;
    sup::test::InFlight too_many;
    channel.masters->send_drain({{"http"}, {"old"}}, sup::test::open_inbox());
    const auto names = channel.receive();
    REQUIRE(names);
    CHECK(names->json["listeners"] == Names{"http"});
    CHECK(names->json["retired"] == Names{"old"});
    CHECK(names->descriptors == 0);
    SECTION("when there is room again") {
        too_many.land();
        const Packet offer = channel.wait();
        CHECK(offer.json["listeners"] == Names{"http"});
        CHECK(offer.json["retired"] == Names{});
        CHECK(offer.descriptors == 1);
    }
    SECTION("unless another offer takes its place") {
        channel.masters->send_drain({{"https"}, {}}, nullptr);
        CHECK(channel.receive()->json["listeners"] == Names{"https"});
        too_many.land();
        // It is tried again 10 ms later at the latest.
        bool tried = false;
        sup::uv::Timer later(channel.loop.get(), [&] { tried = true; });
        later.arm(sup::Duration{50});
        while (!tried) sup::test::turn(channel.loop.get());
        CHECK_FALSE(channel.receive());
    }
    CHECK(channel.troubles.empty());
}

TEST_CASE("an inbox that is refused, because too many descriptors are in flight, is not given up") {
    Channel channel;
    sup::test::InFlight too_many;
    channel.masters->send_inbox(sup::test::open_inbox());
    CHECK_FALSE(channel.receive());
    CHECK(channel.opened == 0);
    too_many.land();
    const Packet inbox = channel.wait();
    CHECK(inbox.json["type"] == "inbox");
    CHECK(inbox.descriptors == 2);
    CHECK(channel.opened == 1);
    CHECK(channel.troubles.empty());
}

TEST_CASE("what a worker does not read now is not waited for, and comes when it does") {
    Channel channel;
    // Each names one more, so that the last can be told from the others.
    for (int sent = 0; sent < 2'000; ++sent)
        channel.masters->send_drain({{std::to_string(sent)}, {}}, nullptr);
    std::string last;
    while (const auto packet = channel.receive()) last = packet->json["listeners"][0];
    CHECK(last != "1999");
    CHECK(channel.wait().json["listeners"] == Names{"1999"});
    CHECK(channel.troubles.empty());
}

TEST_CASE(
    "what nobody will serve is told by the packet that comes, also when a later one had to wait behind it") {
    Channel channel;
    for (int sent = 0; sent < 2'000; ++sent)
        channel.masters->send_drain({{std::to_string(sent)}, {"old"}}, nullptr);
    channel.masters->send_drain({{"later"}, {}}, nullptr);
    std::optional<Packet> last;
    while (auto packet = channel.receive()) last = packet;
    const Packet packet = channel.wait();
    CHECK(packet.json["listeners"] == Names{"later"});
    CHECK(packet.json["retired"] == Names{"old"});
}

TEST_CASE("a worker that has closed its channel is told of, and not tried again") {
    Channel channel;
    channel.workers.reset();
    channel.masters->send_drain({{"http"}, {}}, nullptr);
    REQUIRE(channel.troubles.size() == 1);
    CHECK(channel.troubles[0] == "its drain packet could not be sent: the worker has closed its channel");
    CHECK(uv_run(channel.loop.get(), UV_RUN_NOWAIT) == 0);
}

TEST_CASE("a worker that was told to drain may close its channel, and nobody is troubled") {
    Channel channel;
    channel.masters->send_drain({{"http"}, {}}, nullptr);
    channel.workers.reset();
    channel.masters->send_drain({{"http"}, {}}, sup::test::open_inbox());
    CHECK(channel.troubles.empty());
    CHECK(uv_run(channel.loop.get(), UV_RUN_NOWAIT) == 0);
}

TEST_CASE("only a unix SOCK_SEQPACKET socket is taken for a channel") {
    CHECK(refused(std::move(socket_pair(SOCK_STREAM)[0])));
    CHECK(refused(sup::UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}));
    CHECK(refused(sup::UniqueFd{::dup(0)}));
    CHECK(refused(sup::UniqueFd{}));
}

TEST_CASE("what a worker said before it offered its channel is known when that is adopted") {
    auto ends = socket_pair(SOCK_SEQPACKET);
    REQUIRE(sup::send_unix_message(ends[1].get(),
                                   R"({"type":"speaks","speaks":[{"protocol":"chat","reads":[1,2]}]})")
                .value() == sup::SendOutcome::sent);
    sup::uv::Loop loop;
    const auto channel = sup::WorkerChannel::adopt(loop.get(), std::move(ends[0]), {});
    REQUIRE(channel.ok());
    CHECK((*channel)->spoken() == std::vector<sup::Reads>{{"chat", {1, 2}}});
}

TEST_CASE("the drain packet says what the successor can resume from, where that is known") {
    Channel channel;
    channel.masters->send_drain({{"http"}, {}}, sup::test::open_inbox(),
                                std::vector<sup::Reads>{{"chat", {1, 2}}});
    CHECK(channel.receive()->json.at("speaks") ==
          nlohmann::json::parse(R"([{"protocol":"chat","reads":[1,2]}])"));
    channel.masters->send_drain({{"http"}, {}}, sup::test::open_inbox());
    CHECK_FALSE(channel.receive()->json.contains("speaks"));
}

TEST_CASE("a worker's words are taken for no more than words") {
    Channel channel;
    const auto say = [&](const std::string& packet) {
        REQUIRE(sup::send_unix_message(channel.workers.get(), packet).value() == sup::SendOutcome::sent);
        channel.masters->read();
    };
    for (const char* odd :
         {"nonsense", "[]", "1", R"({"type":1})", R"({"type":"later"})", R"({"type":"speaks"})",
          R"({"type":"unreadable"})", R"({"type":"unreadable","protocol":"chat","connections":-1})",
          R"({"type":"unreadable","protocol":"chat","connections":"3"})",
          R"({"type":"unreadable","protocol":3,"connections":3})", R"({"type":"speaks","speaks":[1]})"}) {
        say(odd);
    }
    CHECK_FALSE(channel.masters->spoken());
    CHECK(channel.masters->unreadable().empty());
    say(R"({"type":"unreadable","protocol":"chat","connections":3})");
    say("{\"type\":\"unreadable\",\"protocol\":\"a\\u001b\",\"connections\":18446744073709551615}");
    CHECK(channel.masters->unreadable() ==
          sup::UnreadableConnections{{"chat", 3}, {"a\\x1b", sup::largest_count}});
    for (int i = 0; i < 200; ++i)
        say(R"({"type":"unreadable","protocol":")" + std::to_string(i) + R"(","connections":1})");
    CHECK(channel.masters->unreadable().size() == 64);
    CHECK(channel.troubles.empty());
}

TEST_CASE("a worker that has closed its channel is no longer listened to") {
    Channel channel;
    channel.workers.reset();
    sup::test::turn(channel.loop.get());
    CHECK(uv_loop_alive(channel.loop.get()) == 0);
}
