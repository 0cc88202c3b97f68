#include "master/channel.h"

#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>

#include "common/unix_message.h"
#include "tests/catch.h"

namespace {

std::array<sup::UniqueFd, 2> socket_pair(int type) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {sup::UniqueFd{ends[0]}, sup::UniqueFd{ends[1]}};
}

}  // namespace

TEST_CASE("the drain packet names what a successor serves and what nobody will, and carries its inbox") {
    auto ends = socket_pair(SOCK_SEQPACKET);
    auto channel = sup::WorkerChannel::adopt(std::move(ends[0]));
    REQUIRE(channel.ok());
    const auto inbox = sup::Inbox::open();
    REQUIRE(inbox.ok());
    REQUIRE(channel->send_drain({{"http"}, {"old"}}, inbox->get()).ok());

    std::array<char, 1024> buffer{};
    const auto received = sup::receive_unix_message(ends[1].get(), buffer);
    REQUIRE(received.value().has_value());
    const auto packet = nlohmann::json::parse(std::string_view(buffer.data(), received.value()->size));
    CHECK(packet["type"] == "drain");
    CHECK(packet["listeners"] == std::vector<std::string>{"http"});
    CHECK(packet["retired"] == std::vector<std::string>{"old"});
    CHECK(received.value()->descriptors.size() == 1);
}

TEST_CASE("without a successor's inbox the drain packet carries no descriptor") {
    auto ends = socket_pair(SOCK_SEQPACKET);
    auto channel = sup::WorkerChannel::adopt(std::move(ends[0]));
    REQUIRE(channel->send_drain({}, nullptr).ok());
    std::array<char, 1024> buffer{};
    CHECK(sup::receive_unix_message(ends[1].get(), buffer).value()->descriptors.empty());
}

TEST_CASE("a worker that closed its channel, or does not read it, is an error and no wait") {
    auto ends = socket_pair(SOCK_SEQPACKET);
    auto channel = sup::WorkerChannel::adopt(std::move(ends[0]));
    bool refused = false;
    for (int i = 0; i < 10'000 && !refused; ++i) refused = !channel->send_drain({}, nullptr).ok();
    CHECK(refused);
    ends[1].reset();
    CHECK_FALSE(channel->send_drain({}, nullptr).ok());
}

TEST_CASE("only a unix SOCK_SEQPACKET socket is taken for a channel") {
    CHECK_FALSE(sup::WorkerChannel::adopt(std::move(socket_pair(SOCK_STREAM)[0])).ok());
    CHECK_FALSE(
        sup::WorkerChannel::adopt(sup::UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}).ok());
    CHECK_FALSE(sup::WorkerChannel::adopt(sup::UniqueFd{::dup(0)}).ok());
    CHECK_FALSE(sup::WorkerChannel::adopt(sup::UniqueFd{}).ok());
}
