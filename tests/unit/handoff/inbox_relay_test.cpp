#include "master/handoff/inbox_relay.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/unix_message.h"
#include "common/wire.h"
#include "tests/catch.h"
#include "tests/unit/handoff/in_flight.h"
#include "tests/unit/handoff/open_inbox.h"
#include "tests/unit/turn.h"

namespace {

// Puts a connection in; returns its client.
sup::UniqueFd hand_over(const sup::Inbox& inbox, std::string_view bytes) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const sup::UniqueFd server{ends[1]};
    REQUIRE(sup::send_unix_message(inbox.sender(), bytes, {&ends[1], 1}).value() == sup::SendOutcome::sent);
    return sup::UniqueFd{ends[0]};
}

// The next packet's bytes; nothing when there is none, or it has no connection.
std::string take(const sup::Inbox& inbox) {
    std::vector<char> buffer(sup::wire::max_inbox_packet);
    const auto received = sup::receive_unix_message(inbox.receiver(), buffer);
    if (!received.value() || received.value()->descriptors.size() != 1) return {};
    return {buffer.data(), received.value()->size};
}

void fill(const sup::Inbox& inbox) {
    while (sup::send_unix_message(inbox.sender(), std::string(60'000, 'x')).value() ==
           sup::SendOutcome::sent) {
    }
}

void make_room(const sup::Inbox& inbox) {
    std::vector<char> buffer(sup::wire::max_inbox_packet);
    while (sup::receive_unix_message(inbox.receiver(), buffer).value().has_value()) {
    }
}

bool has_ended(const sup::UniqueFd& client) {
    char byte = 0;
    return ::recv(client.get(), &byte, 1, MSG_DONTWAIT) == 0;
}

struct Relay {
    sup::uv::Loop loop;
    std::shared_ptr<sup::Inbox> from = sup::test::open_inbox();
    std::shared_ptr<sup::Inbox> to = sup::test::open_inbox();
    std::optional<sup::InboxRelay::Outcome> outcome;
    std::optional<sup::InboxRelay> relay;

    Relay() {
        relay.emplace(loop.get(), from, to, [this](const sup::InboxRelay::Outcome& what) { outcome = what; });
    }
    void wait_until_done() {
        while (!outcome) {
            REQUIRE(uv_loop_alive(loop.get()));
            sup::test::turn(loop.get());
        }
    }
};

}  // namespace

TEST_CASE("what is left in a closed inbox goes on, in order, with its bytes and its connection") {
    Relay test;
    const std::string large(60'000, 'x');
    const auto first = hand_over(*test.from, "first");
    const auto second = hand_over(*test.from, large);
    test.from->close_to_senders();
    test.relay->move();
    REQUIRE(test.outcome);
    CHECK(test.outcome->moved == 2);
    CHECK(test.outcome->lost == 0);
    CHECK(take(*test.to) == "first");
    CHECK(take(*test.to) == large);
    CHECK(has_ended(first));  // whoever took it has closed it, and nobody before
}

TEST_CASE("a packet of nothing ends no relay, and what is cut is counted as lost") {
    Relay relay;
    const auto put = [&](std::string_view bytes, std::span<const int> descriptors = {}) {
        REQUIRE(sup::send_unix_message(relay.from->sender(), bytes, descriptors).value() ==
                sup::SendOutcome::sent);
    };
    const int odd = relay.to->receiver();
    put("");
    const sup::UniqueFd first = hand_over(*relay.from, "one");
    put("");
    put("", {&odd, 1});
    put(std::string(sup::wire::max_inbox_packet + 1, 'x'));
    const sup::UniqueFd second = hand_over(*relay.from, "two");
    put("");
    relay.from->close_to_senders();
    relay.relay->move();
    REQUIRE(relay.outcome);
    CHECK(relay.outcome->moved == 2);
    CHECK(relay.outcome->lost == 1);
    CHECK(take(*relay.to) == "one");
    CHECK(take(*relay.to) == "two");
}

TEST_CASE("a packet of nothing hides none that are given up") {
    Relay relay;
    const sup::UniqueFd first = hand_over(*relay.from, "one");
    REQUIRE(sup::send_unix_message(relay.from->sender(), "").value() == sup::SendOutcome::sent);
    const sup::UniqueFd second = hand_over(*relay.from, "two");
    CHECK(relay.from->discard() == 2);
    CHECK(has_ended(first));
    CHECK(has_ended(second));
}

TEST_CASE("what does not fit into an inbox that is full goes on when there is room") {
    Relay test;
    const auto client = hand_over(*test.from, "first");
    const auto other = hand_over(*test.from, "second");
    test.from->close_to_senders();
    fill(*test.to);
    test.relay->move();
    CHECK_FALSE(test.outcome);
    CHECK_FALSE(has_ended(client));
    make_room(*test.to);
    test.wait_until_done();
    CHECK(test.outcome->moved == 2);
    CHECK(test.outcome->lost == 0);
    CHECK(take(*test.to) == "first");
    CHECK(take(*test.to) == "second");
}

TEST_CASE("what is refused, because too many descriptors are in flight, goes on later") {
    Relay test;
    const auto client = hand_over(*test.from, "first");
    test.from->close_to_senders();
    sup::test::InFlight too_many;
    test.relay->move();
    CHECK_FALSE(test.outcome);
    too_many.land();
    test.wait_until_done();
    CHECK(test.outcome->moved == 1);
    CHECK(take(*test.to) == "first");
}

// Without one the kernel would take the packet, drop its socket, and say that all went well.
TEST_CASE("what no descriptor is free for stays where it is, and goes on when one is") {
    Relay test;
    const auto first = hand_over(*test.from, "first");
    const auto second = hand_over(*test.from, "second");
    test.from->close_to_senders();
    const sup::UniqueFd lowest{::dup(STDIN_FILENO)};
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit few{static_cast<rlim_t>(lowest.get()) + 1, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    test.relay->move();
    const bool waited = !test.outcome;
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(waited);
    CHECK_FALSE(has_ended(first));
    test.wait_until_done();
    CHECK(test.outcome->moved == 2);
    CHECK(test.outcome->lost == 0);
    CHECK(take(*test.to) == "first");
    CHECK(take(*test.to) == "second");
}

TEST_CASE("what waits for room goes on to another inbox when that one is closed") {
    Relay test;
    const auto client = hand_over(*test.from, "first");
    const auto other = hand_over(*test.from, "second");
    test.from->close_to_senders();
    fill(*test.to);
    test.relay->move();
    const auto third = sup::test::open_inbox();
    test.relay->redirect(third);
    REQUIRE(test.outcome);
    CHECK(test.outcome->moved == 2);
    CHECK(take(*third) == "first");
    CHECK(take(*third) == "second");
}

TEST_CASE("what waits for room in an inbox that is given up is closed, and counted") {
    Relay test;
    const auto client = hand_over(*test.from, "first");
    const auto other = hand_over(*test.from, "second");
    test.from->close_to_senders();
    fill(*test.to);
    test.relay->move();
    test.relay->redirect(nullptr);
    REQUIRE(test.outcome);
    CHECK(test.outcome->moved == 0);
    CHECK(test.outcome->lost == 2);
    CHECK(has_ended(client));
    CHECK(has_ended(other));
}
