#include "master/handoff/inbox.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/unix_message.h"
#include "common/wire.h"
#include "tests/catch.h"
#include "tests/unit/handoff/open_inbox.h"

namespace {

struct Connection {
    sup::UniqueFd client;
    sup::UniqueFd server;
};

Connection connect() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {sup::UniqueFd{ends[0]}, sup::UniqueFd{ends[1]}};
}

void hand_over(const sup::Inbox& inbox, Connection& connection, std::string_view bytes) {
    const std::array<int, 1> passenger{connection.server.get()};
    REQUIRE(sup::send_unix_message(inbox.sender(), bytes, passenger).value() == sup::SendOutcome::sent);
    connection.server.reset();
}

}  // namespace

TEST_CASE("an inbox keeps what was put in when every worker is gone") {
    const auto inbox = sup::test::open_inbox();
    auto connection = connect();
    {
        const sup::UniqueFd worker{::dup(inbox->sender())};
        const std::array<int, 1> passenger{connection.server.get()};
        REQUIRE(sup::send_unix_message(worker.get(), "x", passenger).value() == sup::SendOutcome::sent);
        connection.server.reset();
    }
    std::array<char, 8> buffer{};
    CHECK(sup::receive_unix_message(inbox->receiver(), buffer).value()->descriptors.size() == 1);
}

TEST_CASE("a closed inbox lets nothing more in, in no process, and gives out what is in it, then its end") {
    const auto inbox = sup::test::open_inbox();
    auto first = connect();
    auto second = connect();
    hand_over(*inbox, first, "first");
    hand_over(*inbox, second, "second");
    const sup::UniqueFd drainers{::dup(inbox->sender())};
    const sup::UniqueFd takers{::dup(inbox->receiver())};
    inbox->close_to_senders();

    auto late = connect();
    const std::array<int, 1> passenger{late.server.get()};
    CHECK(sup::send_unix_message(drainers.get(), "late", passenger).value() == sup::SendOutcome::no_receiver);

    std::vector<char> buffer(sup::wire::max_inbox_packet);
    for (const char* expected : {"first", "second"}) {
        const auto packet = sup::receive_unix_message(takers.get(), buffer);
        REQUIRE(packet.value().has_value());
        CHECK(std::string_view(buffer.data(), packet.value()->size) == expected);
        CHECK(packet.value()->descriptors.size() == 1);
    }
    const auto end = sup::receive_unix_message(takers.get(), buffer);
    REQUIRE(end.value().has_value());
    CHECK(end.value()->size == 0);
    pollfd state{takers.get(), POLLIN | POLLRDHUP, 0};
    CHECK(::poll(&state, 1, 0) == 1);
    CHECK((state.revents & POLLRDHUP) != 0);
}

TEST_CASE("what nobody takes any more is closed, and counted") {
    const auto inbox = sup::test::open_inbox();
    auto first = connect();
    auto second = connect();
    hand_over(*inbox, first, "first");
    hand_over(*inbox, second, "second");
    inbox->close_to_senders();
    CHECK(inbox->discard() == 2);
    CHECK(inbox->discard() == 0);
    std::array<char, 8> heard{};
    CHECK(::read(first.client.get(), heard.data(), heard.size()) == 0);
}

TEST_CASE("who waits for room in an inbox is woken when it is closed, although it is still full") {
    const auto inbox = sup::test::open_inbox();
    while (sup::send_unix_message(inbox->sender(), std::string(60'000, 'x')).value() ==
           sup::SendOutcome::sent) {
    }
    pollfd sender{inbox->sender(), POLLOUT, 0};
    CHECK(::poll(&sender, 1, 0) == 0);
    inbox->close_to_senders();
    CHECK(::poll(&sender, 1, 10'000) == 1);
    CHECK(sup::send_unix_message(inbox->sender(), "x").value() == sup::SendOutcome::no_receiver);
}

TEST_CASE("a renewed inbox is open and empty, and the old one keeps what was in it") {
    const auto inbox = sup::test::open_inbox();
    auto before = connect();
    hand_over(*inbox, before, "before");
    inbox->close_to_senders();
    const auto old = inbox->renew();
    REQUIRE(old.ok());
    auto after = connect();
    hand_over(*inbox, after, "after");
    std::vector<char> buffer(sup::wire::max_inbox_packet);
    auto packet = sup::receive_unix_message(inbox->receiver(), buffer);
    CHECK(std::string_view(buffer.data(), packet.value()->size) == "after");
    packet = sup::receive_unix_message((*old)->receiver(), buffer);
    CHECK(std::string_view(buffer.data(), packet.value()->size) == "before");
}
