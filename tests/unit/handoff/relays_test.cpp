#include "master/handoff/relays.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>

#include "common/unix_message.h"
#include "common/wire.h"
#include "tests/catch.h"
#include "tests/unit/handoff/open_inbox.h"
#include "tests/unit/turn.h"

namespace {

using sup::core::GenerationId;

void put_connection(const sup::Inbox& inbox) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const sup::UniqueFd client{ends[0]};
    const sup::UniqueFd server{ends[1]};
    REQUIRE(sup::send_unix_message(inbox.sender(), "packet", {&ends[1], 1}).value() ==
            sup::SendOutcome::sent);
}

void stuff(const sup::Inbox& inbox) {
    while (sup::send_unix_message(inbox.sender(), std::string(60'000, 'x')).value() ==
           sup::SendOutcome::sent) {
    }
}

std::size_t connections_in(const sup::Inbox& inbox) {
    std::vector<char> buffer(sup::wire::max_inbox_packet);
    std::size_t count = 0;
    while (true) {
        const auto received = sup::receive_unix_message(inbox.receiver(), buffer);
        if (!received.value()) return count;
        count += received.value()->descriptors.size();
    }
}

struct Office {
    sup::uv::Loop loop;
    std::map<std::pair<GenerationId, GenerationId>, std::size_t> moved;
    std::map<GenerationId, std::size_t> lost;
    sup::Relays relays{loop.get(),
                       {.moved =
                            [this](auto from, auto to, auto count) {
                                moved[{from, to}] += count;
                            },
                        .lost = [this](auto from, auto count) { lost[from] += count; }}};
    std::map<std::uint32_t, std::shared_ptr<sup::Inbox>> inboxes;

    sup::Relays::Place place(std::uint32_t generation) {
        auto& inbox = inboxes[generation];
        if (!inbox) inbox = sup::test::open_inbox();
        return {GenerationId{generation}, inbox};
    }
    const sup::Inbox& inbox(std::uint32_t generation) { return *place(generation).inbox; }
};

}  // namespace

TEST_CASE("what is left of a generation moves into another's inbox, and is told of once") {
    Office office;
    put_connection(office.inbox(1));
    office.inbox(1).close_to_senders();
    office.relays.move(office.place(1), office.place(2));
    CHECK(office.moved == decltype(office.moved){{{GenerationId{1}, GenerationId{2}}, 1}});
    CHECK(office.lost.empty());
    CHECK(connections_in(office.inbox(2)) == 1);
}

TEST_CASE("what is on its way into an inbox that closes goes on to the next one") {
    Office office;
    stuff(office.inbox(2));
    put_connection(office.inbox(1));
    office.inbox(1).close_to_senders();
    office.relays.move(office.place(1), office.place(2));
    CHECK(office.moved.empty());  // there is no room yet
    const sup::Relays::Place next = office.place(3);
    office.relays.redirect(GenerationId{2}, &next);
    while (office.moved.empty()) sup::test::turn(office.loop.get());
    CHECK(office.moved.contains({GenerationId{1}, GenerationId{3}}));
    CHECK(connections_in(office.inbox(3)) == 1);
}

TEST_CASE("what is on its way to nowhere is closed and counted, and others go on") {
    Office office;
    stuff(office.inbox(2));
    stuff(office.inbox(4));
    put_connection(office.inbox(1));
    put_connection(office.inbox(3));
    office.inbox(1).close_to_senders();
    office.inbox(3).close_to_senders();
    office.relays.move(office.place(1), office.place(2));
    office.relays.move(office.place(3), office.place(4));
    office.relays.redirect(GenerationId{2}, nullptr);
    CHECK(office.lost == decltype(office.lost){{GenerationId{1}, 1}});
    connections_in(office.inbox(4));
    while (office.moved.empty()) sup::test::turn(office.loop.get());
    CHECK(connections_in(office.inbox(4)) == 1);
}

TEST_CASE("an inbox that is being emptied is not discarded, and another one's connections are counted") {
    Office office;
    stuff(office.inbox(2));
    put_connection(office.inbox(1));
    office.inbox(1).close_to_senders();
    office.relays.move(office.place(1), office.place(2));
    office.relays.discard(office.place(1));
    CHECK(office.lost.empty());
    put_connection(office.inbox(5));
    put_connection(office.inbox(5));
    office.relays.discard(office.place(5));
    CHECK(office.lost == decltype(office.lost){{GenerationId{5}, 2}});
}
