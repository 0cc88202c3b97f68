// What accept(2) may say, and that none of it stops an acceptor that could go on.
#include "worker/lifecycle/acceptor.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>
#include <vector>

#include "common/uv.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "worker/lifecycle/listener.h"

namespace {

// What the next calls in this thread fail with, the last one first.
thread_local std::vector<int> failures;

}  // namespace

// In place of the C library's, which cannot be made to fail.
int accept4(int socket, sockaddr* address, socklen_t* size, int flags) {
    if (failures.empty()) return static_cast<int>(::syscall(SYS_accept4, socket, address, size, flags));
    errno = failures.back();
    failures.pop_back();
    return -1;
}

namespace sup::test {
namespace {

// The connections that an acceptor takes after those failures, with two clients waiting; a deadline ends it.
int accepted_after(std::vector<int> first) {
    uv::Loop loop;
    worker::Counters counters;
    worker::Balance balance(loop.get(), counters);
    worker::Listener listener = *worker::listen_on("127.0.0.1:0", "http");
    const Client one(listener.address);
    const Client another(listener.address);
    int accepted = 0;
    worker::Acceptor acceptor(loop.get(), std::move(listener.fd), listener.name, balance,
                              {.accepted = [&](const UniqueFd&) {
                                  if (++accepted == 2) loop.stop();
                              }});
    uv::Timer deadline(loop.get(), [&] { loop.stop(); });
    deadline.arm(std::chrono::seconds(30));
    failures = std::move(first);
    REQUIRE(acceptor.start().ok());
    loop.run();
    acceptor.leave();
    failures.clear();
    return accepted;
}

}  // namespace

TEST_CASE("no failure of one connection, and no want of anything, stops the acceptor") {
    const int reason = GENERATE(EINTR, ECONNABORTED, EPROTO, ENETDOWN, ENETUNREACH, EHOSTDOWN, EHOSTUNREACH,
                                ENONET, ENOPROTOOPT, EOPNOTSUPP, ETIMEDOUT, EPERM, EAGAIN, EMFILE, ENFILE,
                                ENOBUFS, ENOMEM, ENOSR, ESOCKTNOSUPPORT);
    CAPTURE(reason);
    CHECK(accepted_after({reason}) == 2);
}

TEST_CASE("however often a connection fails, the loop goes on, and later ones are accepted") {
    CHECK(accepted_after(std::vector<int>(500, ECONNABORTED)) == 2);
}

TEST_CASE("a listener that another process has shut down is tried seldom, and serves when it listens again") {
    uv::Loop loop;
    worker::Counters counters;
    worker::Balance balance(loop.get(), counters);
    worker::Listener listener = *worker::listen_on("127.0.0.1:0", "http");
    const int socket = listener.fd.get();
    int accepted = 0;
    worker::Acceptor acceptor(loop.get(), std::move(listener.fd), listener.name, balance,
                              {.accepted = [&](const UniqueFd&) {
                                  ++accepted;
                                  loop.stop();
                              }});
    REQUIRE(acceptor.start().ok());
    REQUIRE(::shutdown(socket, SHUT_RDWR) == 0);
    // It wakes a few times a second, and does not spin.
    uv::Timer second(loop.get(), [&] { loop.stop(); });
    second.arm(std::chrono::seconds(1));
    const std::clock_t before = std::clock();
    loop.run();
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 2);
    CHECK_FALSE(acceptor.closed());
    // As the master mends it.
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    sockaddr_in own{};
    socklen_t size = sizeof own;
    REQUIRE(::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0);
    REQUIRE(::connect(socket, &nobody, sizeof nobody) == 0);
    REQUIRE(::bind(socket, reinterpret_cast<sockaddr*>(&own), size) ==
            0);  // its port was the kernel's choice
    REQUIRE(::listen(socket, 8) == 0);
    const Client client(listener.address);
    uv::Timer deadline(loop.get(), [&] { loop.stop(); });
    deadline.arm(std::chrono::seconds(30));
    loop.run();
    CHECK(accepted == 1);
    acceptor.leave();
}

TEST_CASE("a drain does not wait for a listener that another process has shut down") {
    uv::Loop loop;
    worker::Counters counters;
    worker::Balance balance(loop.get(), counters);
    worker::Listener listener = *worker::listen_on("127.0.0.1:0", "http");
    ::shutdown(listener.fd.get(), SHUT_RDWR);
    worker::Acceptor acceptor(loop.get(), std::move(listener.fd), listener.name, balance,
                              {.accepted = [](const UniqueFd&) {}});
    REQUIRE(acceptor.start().ok());
    uv_run(loop.get(), UV_RUN_NOWAIT);
    bool emptied = false;
    acceptor.empty_queue([&] { emptied = true; });
    CHECK(emptied);
    CHECK(acceptor.closed());
}

TEST_CASE("services that can make room are asked when no descriptor is free") {
    uv::Loop loop;
    worker::Counters counters;
    worker::Balance balance(loop.get(), counters);
    worker::Listener listener = *worker::listen_on("127.0.0.1:0", "http");
    const Client client(listener.address);
    int asked = 0;
    worker::Acceptor acceptor(
        loop.get(), std::move(listener.fd), listener.name, balance,
        {.accepted = [&](const UniqueFd&) { loop.stop(); }, .no_descriptor = [&] { ++asked; }});
    failures = {EMFILE, EMFILE};
    REQUIRE(acceptor.start().ok());
    loop.run();
    CHECK(asked == 2);
    acceptor.leave();
}

TEST_CASE("a listener that no longer is one is left") {
    uv::Loop loop;
    worker::Counters counters;
    worker::Balance balance(loop.get(), counters);
    worker::Listener listener = *worker::listen_on("127.0.0.1:0", "http");
    const Client client(listener.address);
    worker::Acceptor acceptor(loop.get(), std::move(listener.fd), listener.name, balance,
                              {.accepted = [](const UniqueFd&) {}});
    failures = {ENOTSOCK};
    REQUIRE(acceptor.start().ok());
    loop.run();  // returns: nothing is watched any more
    CHECK(failures.empty());
}

}  // namespace sup::test
