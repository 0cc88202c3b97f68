#include "master/inbox.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "common/unix_message.h"
#include "tests/catch.h"

namespace {

std::shared_ptr<const sup::Inbox> open_inbox() {
    auto inbox = sup::Inbox::open();
    REQUIRE(inbox.ok());
    return *inbox;
}

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

TEST_CASE("what is left in an inbox goes on to the next, in order, with its bytes and its connection") {
    const auto from = open_inbox();
    const auto to = open_inbox();
    auto first = connect();
    auto second = connect();
    const std::string large(60'000, 'x');
    hand_over(*from, first, "first");
    hand_over(*from, second, large);
    const auto forwarded = from->forward(*to);
    CHECK(forwarded.moved == 2);
    CHECK(forwarded.lost == 0);

    std::vector<char> buffer(sup::max_inbox_packet);
    auto one = sup::receive_unix_message(to->receiver(), buffer);
    REQUIRE(one.value().has_value());
    CHECK(std::string_view(buffer.data(), one.value()->size) == "first");
    REQUIRE(one.value()->descriptors.size() == 1);
    REQUIRE(::write(one.value()->descriptors[0].get(), "hi", 2) == 2);
    std::array<char, 8> heard{};
    CHECK(::read(first.client.get(), heard.data(), heard.size()) == 2);
    auto two = sup::receive_unix_message(to->receiver(), buffer);
    CHECK(two.value()->size == large.size());
}

TEST_CASE("an inbox that is full loses what does not fit, and says how many") {
    const auto from = open_inbox();
    const auto to = open_inbox();
    while (sup::send_unix_message(to->sender(), std::string(60'000, 'x')).value() == sup::SendOutcome::sent) {
    }
    auto connection = connect();
    hand_over(*from, connection, std::string(60'000, 'y'));
    const auto forwarded = from->forward(*to);
    CHECK(forwarded.moved == 0);
    CHECK(forwarded.lost == 1);
}

TEST_CASE("an inbox keeps what was put in when every worker is gone") {
    const auto inbox = open_inbox();
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
    const auto inbox = open_inbox();
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

    std::vector<char> buffer(sup::max_inbox_packet);
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
    const auto inbox = open_inbox();
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

TEST_CASE("what is left in a closed inbox is forwarded") {
    const auto from = open_inbox();
    const auto to = open_inbox();
    auto connection = connect();
    hand_over(*from, connection, "x");
    from->close_to_senders();
    CHECK(from->forward(*to).moved == 1);
    CHECK(from->forward(*to).moved == 0);
}
