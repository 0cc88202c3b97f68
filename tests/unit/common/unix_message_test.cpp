#include "common/unix_message.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "tests/catch.h"

namespace {

struct SocketPair {
    sup::UniqueFd left;
    sup::UniqueFd right;
};

SocketPair make_pair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
    return {sup::UniqueFd{ends[0]}, sup::UniqueFd{ends[1]}};
}

bool same_file(int a, int b) {
    struct stat first {};
    struct stat second {};
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
           first.st_dev == second.st_dev;
}

}  // namespace

TEST_CASE("a descriptor arrives with its message") {
    auto sockets = make_pair();
    auto passenger = make_pair();
    const std::array<int, 1> descriptors{passenger.left.get()};
    REQUIRE(sup::send_unix_message(sockets.left.get(), "hello", descriptors).value() ==
            sup::SendOutcome::sent);

    std::array<char, 16> buffer{};
    auto received = sup::receive_unix_message(sockets.right.get(), buffer);
    REQUIRE(received.ok());
    REQUIRE(received->has_value());
    auto& message = **received;
    CHECK(std::string_view(buffer.data(), message.size) == "hello");
    REQUIRE(message.descriptors.size() == 1);
    CHECK(same_file(message.descriptors[0].get(), passenger.left.get()));
    CHECK((::fcntl(message.descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_FALSE(message.truncated);
    CHECK_FALSE(message.descriptors_lost);
}

TEST_CASE("an empty socket is no message, and a closed one is end-of-file") {
    auto sockets = make_pair();
    std::array<char, 16> buffer{};
    CHECK_FALSE(sup::receive_unix_message(sockets.right.get(), buffer).value().has_value());
    sockets.left.reset();
    const auto received = sup::receive_unix_message(sockets.right.get(), buffer);
    REQUIRE(received.value().has_value());
    CHECK(received.value()->size == 0);
}

TEST_CASE("a packet larger than the buffer is said to be truncated") {
    auto sockets = make_pair();
    REQUIRE(sup::send_unix_message(sockets.left.get(), "0123456789").value() == sup::SendOutcome::sent);
    std::array<char, 4> buffer{};
    CHECK(sup::receive_unix_message(sockets.right.get(), buffer).value()->truncated);
}

TEST_CASE("a full queue would block, and a receiver that is gone is no receiver") {
    auto sockets = make_pair();
    auto outcome = sup::SendOutcome::sent;
    for (int i = 0; i < 10'000 && outcome == sup::SendOutcome::sent; ++i) {
        outcome = sup::send_unix_message(sockets.left.get(), std::string(1'000, 'x')).value();
    }
    CHECK(outcome == sup::SendOutcome::would_block);
    sockets.right.reset();
    CHECK(sup::send_unix_message(sockets.left.get(), "x").value() == sup::SendOutcome::no_receiver);
}
