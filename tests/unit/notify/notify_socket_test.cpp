#include "master/notify/notify_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "common/unix_message.h"
#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

UniqueFd connect_datagram(const std::string& path) {
    UniqueFd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void say(const UniqueFd& fd, std::string_view text, const std::vector<int>& descriptors = {}) {
    const auto sent = send_unix_message(fd.get(), text, descriptors);
    REQUIRE(sent);
    REQUIRE(*sent == SendOutcome::sent);
}

// A pipe whose other end tells when a descriptor was closed everywhere.
bool is_hung_up(const UniqueFd& reader) {
    pollfd wanted{reader.get(), POLLIN, 0};
    return ::poll(&wanted, 1, 0) == 1 && (wanted.revents & POLLHUP) != 0;
}

struct NotifyFixture {
    TemporaryDirectory directory;
    std::string path = directory.path() + "/notify.sock";
    uv::Loop loop;
    std::vector<Notification> heard;
    std::unique_ptr<NotifySocket> socket;

    NotifyFixture() {
        auto opened = NotifySocket::open(loop.get(), path, std::nullopt, [this](Notification notification) {
            heard.push_back(std::move(notification));
        });
        REQUIRE(opened);
        socket = std::move(*opened);
    }
};

}  // namespace

TEST_CASE("what a worker says arrives, in order, with the pid of who said it") {
    NotifyFixture fixture;
    const UniqueFd worker = connect_datagram(fixture.path);
    say(worker, "STATUS=starting");
    say(worker, "READY=1\nSTATUS=serving");
    REQUIRE(run_until(fixture.loop, [&] { return fixture.heard.size() == 2; }));
    CHECK(fixture.heard[0].message.status == "starting");
    CHECK_FALSE(fixture.heard[0].message.ready);
    CHECK(fixture.heard[1].message.ready);
    CHECK(fixture.heard[1].sender.pid == ::getpid());
    CHECK(fixture.heard[1].sender.user == ::getuid());
}

TEST_CASE("what a worker said just before it exited is heard by draining") {
    NotifyFixture fixture;
    {
        const UniqueFd worker = connect_datagram(fixture.path);
        for (int i = 0; i < 5; ++i) say(worker, "STATUS=" + std::to_string(i));
        say(worker, "READY=1");
    }
    fixture.socket->drain();
    REQUIRE(fixture.heard.size() == 6);
    CHECK(fixture.heard.back().message.ready);
    fixture.socket->drain();
    CHECK(fixture.heard.size() == 6);
}

TEST_CASE("the socket's file is private, replaces a stale one, and goes with the socket") {
    NotifyFixture fixture;
    struct stat status {};
    REQUIRE(::stat(fixture.path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == (::geteuid() == 0 ? 0666 : 0600));
    CHECK(S_ISSOCK(status.st_mode));
    fixture.socket.reset();
    CHECK(::stat(fixture.path.c_str(), &status) != 0);

    write_file(fixture.path, "stale");
    auto again =
        NotifySocket::open(fixture.loop.get(), fixture.path, std::nullopt, [](const Notification&) {});
    REQUIRE(again);
    REQUIRE(::stat(fixture.path.c_str(), &status) == 0);
    CHECK(S_ISSOCK(status.st_mode));
}

TEST_CASE("the socket belongs to the worker's user") {
    if (::geteuid() != 0) return skip("only root can give a file away");
    const TemporaryDirectory directory;
    uv::Loop loop;
    const std::string path = directory.path() + "/notify.sock";
    auto socket = NotifySocket::open(loop.get(), path, Owner{65534, 65534}, [](const Notification&) {});
    REQUIRE(socket);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == 65534);
    CHECK(status.st_gid == 65534);
    CHECK((status.st_mode & 07777) == 0600);
}

TEST_CASE("a path that no worker could use is refused in words") {
    const TemporaryDirectory directory;
    uv::Loop loop;
    const auto ignore = [](const Notification&) {};
    const auto too_long =
        NotifySocket::open(loop.get(), directory.path() + "/" + std::string(100, 'x'), std::nullopt, ignore);
    REQUIRE_FALSE(too_long);
    CHECK_THAT(too_long.error().message, Catch::Matchers::Contains("SUP_RUNTIME_DIR"));
    const auto nowhere =
        NotifySocket::open(loop.get(), directory.path() + "/no/socket", std::nullopt, ignore);
    REQUIRE_FALSE(nowhere);
    CHECK_THAT(nowhere.error().message, Catch::Matchers::Contains("No such file or directory"));
}

TEST_CASE("the descriptor of a channel is handed on, and those that nobody asked for are closed") {
    NotifyFixture fixture;
    const UniqueFd worker = connect_datagram(fixture.path);
    Pipe unasked = make_pipe();
    Pipe wanted = make_pipe();
    Pipe surplus = make_pipe();
    say(worker, "FDSTORE=1", {unasked.writer.get()});
    say(worker, "READY=1\nX_SUP_CHANNEL=1", {wanted.writer.get(), surplus.writer.get()});
    say(worker, "X_SUP_CHANNEL=1");
    for (Pipe* pipe : {&unasked, &wanted, &surplus}) pipe->writer.reset();
    REQUIRE(run_until(fixture.loop, [&] { return fixture.heard.size() == 3; }));
    CHECK_FALSE(fixture.heard[0].channel);
    CHECK(is_hung_up(unasked.reader));
    REQUIRE(fixture.heard[1].channel);
    CHECK(is_hung_up(surplus.reader));
    CHECK_FALSE(is_hung_up(wanted.reader));
    CHECK((::fcntl(fixture.heard[1].channel.get(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK_FALSE(fixture.heard[2].channel);
    fixture.heard.clear();
    CHECK(is_hung_up(wanted.reader));
}

TEST_CASE("a barrier is answered after everything before it was heard") {
    NotifyFixture fixture;
    const UniqueFd worker = connect_datagram(fixture.path);
    Pipe barrier = make_pipe();
    say(worker, "STATUS=before");
    say(worker, "BARRIER=1", {barrier.writer.get()});
    barrier.writer.reset();
    CHECK_FALSE(is_hung_up(barrier.reader));
    REQUIRE(run_until(fixture.loop, [&] { return is_hung_up(barrier.reader); }));
    REQUIRE_FALSE(fixture.heard.empty());
    CHECK(fixture.heard.front().message.status == "before");
}

TEST_CASE("of a datagram that is too large the whole lines count") {
    NotifyFixture fixture;
    const UniqueFd worker = connect_datagram(fixture.path);
    say(worker, "READY=1\nSTATUS=" + std::string(20'000, 'x'));
    REQUIRE(run_until(fixture.loop, [&] { return !fixture.heard.empty(); }));
    CHECK(fixture.heard[0].message.ready);
    CHECK_FALSE(fixture.heard[0].message.status);
}

TEST_CASE("a callback may destroy the socket that it was called by") {
    NotifyFixture fixture;
    int calls = 0;
    std::unique_ptr<NotifySocket> own;
    const std::string path = fixture.directory.path() + "/own.sock";
    auto opened = NotifySocket::open(fixture.loop.get(), path, std::nullopt, [&](const Notification&) {
        ++calls;
        own.reset();
    });
    REQUIRE(opened);
    own = std::move(*opened);
    const UniqueFd worker = connect_datagram(path);
    say(worker, "READY=1");
    say(worker, "READY=1");
    REQUIRE(run_until(fixture.loop, [&] { return calls > 0; }));
    CHECK(calls == 1);
}

TEST_CASE("a worker that never stops talking does not keep the others from being heard") {
    NotifyFixture fixture;
    const UniqueFd worker = connect_datagram(fixture.path);
    int talked = 0;
    const std::string path = fixture.directory.path() + "/loud.sock";
    std::unique_ptr<NotifySocket> loud;
    UniqueFd talker;
    // Each message brings another one before it has been dealt with.
    auto opened = NotifySocket::open(fixture.loop.get(), path, std::nullopt, [&](const Notification&) {
        ++talked;
        say(talker, "WATCHDOG=1");
    });
    REQUIRE(opened);
    loud = std::move(*opened);
    talker = connect_datagram(path);
    say(talker, "WATCHDOG=1");
    say(worker, "READY=1");
    CHECK(run_until(fixture.loop, [&] { return !fixture.heard.empty(); }));
    CHECK(talked > 0);
}
