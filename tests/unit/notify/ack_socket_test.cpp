#include "master/notify/ack_socket.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "master/notify/ack_message.h"
#include "tests/catch.h"
#include "tests/unit/support.h"
#include "tests/unit/turn.h"

using namespace sup;
using namespace sup::test;

namespace {

UniqueFd connect_stream(const std::string& path) {
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

void write_to(const UniqueFd& fd, const std::string& text) {
    REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string ack(pid_t pid) {
    return "{\"command\":\"worker:ack\",\"pid\":" + std::to_string(pid) + "}\n";
}

// This process is its own worker.
struct AckFixture {
    TemporaryDirectory directory;
    std::string path = directory.path() + "/ack";
    uv::Loop loop;
    int acknowledged = 0;
    std::vector<std::string> troubles;
    Orphans orphans{[] { return std::vector<pid_t>{}; }};
    WorkerMarks worker;
    std::unique_ptr<Hearing> hearing;
    std::unique_ptr<AckSocket> socket;

    void expect(pid_t pid) {
        worker = {.pid = pid, .notify_socket = {}};
        hearing = std::make_unique<Hearing>(orphans, worker, [] { return std::uint64_t{1}; });
        socket->expect(pid, *hearing);
    }

    AckFixture() {
        auto opened = AckSocket::open(loop.get(), path, std::nullopt,
                                      {[this] { ++acknowledged; },
                                       [this](const std::string& trouble) { troubles.push_back(trouble); }});
        REQUIRE(opened);
        socket = std::move(*opened);
        expect(::getpid());
    }
};

}  // namespace

TEST_CASE("an ack is JSON, or what einhorn's Ruby client sends") {
    CHECK(parse_ack(R"({"command":"worker:ack","pid":4711})") == 4711);
    CHECK(parse_ack(R"({ "pid": 4711, "command": "worker:ack", "more": [] })") == 4711);
    CHECK(parse_ack("---%0Acommand: worker:ack%0Apid: 4711%0A") == 4711);
    CHECK(parse_ack("--- %0A:command: worker:ack%0A:pid: 4711%0A") == 4711);
    CHECK(parse_ack("---%0A'command': \"worker:ack\"%0Apid: 4711") == 4711);
}

TEST_CASE("what is not an ack is none") {
    for (const char* line : {"", "{}", "[]", "4711", "worker:ack", R"({"command":"worker:ack"})",
                             R"({"command":"state","pid":1})", R"({"command":"worker:ack","pid":"1"})",
                             R"({"command":"worker:ack","pid":-1})", R"({"command":"worker:ack","pid":0})",
                             R"({"command":"worker:ack","pid":99999999999999999999})",
                             R"({"command":"worker:ack","pid":1)", "---%0Acommand: worker:ack%0A",
                             "---%0Apid: 1%0A", "---%0Acommand: worker:ack%0Apid: x%0A", "---%25%0A"}) {
        INFO(line);
        CHECK_FALSE(parse_ack(line));
    }
}

TEST_CASE("a worker acknowledges its start, also in pieces, and the connection ends") {
    AckFixture fixture;
    const UniqueFd worker = connect_stream(fixture.path);
    const std::string text = ack(::getpid());
    write_to(worker, text.substr(0, 10));
    fixture.socket->drain();
    CHECK(fixture.acknowledged == 0);
    write_to(worker, text.substr(10));
    REQUIRE(run_until(fixture.loop, [&] { return fixture.acknowledged == 1; }));
    char byte = 0;
    CHECK(::recv(worker.get(), &byte, 1, 0) == 0);
    CHECK(fixture.troubles.empty());
}

TEST_CASE("an ack that a worker sent before it exited is heard by draining") {
    AckFixture fixture;
    write_to(connect_stream(fixture.path), ack(::getpid()));
    fixture.socket->drain();
    CHECK(fixture.acknowledged == 1);
}

TEST_CASE("nobody acknowledges for another") {
    AckFixture fixture;
    write_to(connect_stream(fixture.path), ack(::getppid()));
    fixture.socket->drain();
    const Spawned worker(command({"/bin/sleep", "1000"}));
    fixture.expect(worker.pid());
    write_to(connect_stream(fixture.path), ack(worker.pid()));
    fixture.socket->drain();
    CHECK(fixture.acknowledged == 0);
    REQUIRE(fixture.troubles.size() == 1);
    CHECK(fixture.troubles[0].find("acknowledged the start of process " + std::to_string(::getppid())) !=
          std::string::npos);
}

TEST_CASE("a child of the worker acknowledges for itself, and for the worker") {
    AckFixture fixture;
    for (const bool itself : {true, false}) {
        const pid_t worker = ::getpid();
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            write_to(connect_stream(fixture.path), ack(itself ? ::getpid() : worker));
            ::pause();
        }
        fixture.acknowledged = 0;
        CHECK(run_until(fixture.loop, [&] { return fixture.acknowledged == 1; }));
        ::kill(child, SIGKILL);
        wait_for_exit(child);
    }
    CHECK(fixture.troubles.empty());
}

TEST_CASE("what is no ack is told once, and an endless line ends") {
    AckFixture fixture;
    write_to(connect_stream(fixture.path), "hello\n");
    write_to(connect_stream(fixture.path), std::string(std::size_t{8} * 1024, 'x'));
    fixture.socket->drain();
    CHECK(fixture.acknowledged == 0);
    CHECK(fixture.troubles.size() == 1);
}

TEST_CASE("many connections on which nothing is said do not keep the worker's ack away") {
    AckFixture fixture;
    std::vector<UniqueFd> silent;
    for (int i = 0; i < 8; ++i) {
        silent.push_back(connect_stream(fixture.path));
        fixture.socket->drain();
    }
    const UniqueFd worker = connect_stream(fixture.path);
    write_to(worker, ack(::getpid()));
    CHECK(run_until(fixture.loop, [&] { return fixture.acknowledged == 1; }));
}

TEST_CASE("others who connect and say nothing do not end the worker's connection") {
    AckFixture fixture;
    const UniqueFd worker = connect_stream(fixture.path);
    fixture.socket->drain();
    Pipe connected = make_pipe();
    Pipe end = make_pipe();
    const pid_t other = ::fork();
    REQUIRE(other >= 0);
    if (other == 0) {
        end.writer.reset();
        std::vector<UniqueFd> silent;
        for (int i = 0; i < 8; ++i) {
            silent.push_back(connect_stream(fixture.path));
            if (::write(connected.writer.get(), "x", 1) != 1) ::_exit(1);
        }
        char byte = 0;
        ::_exit(::read(end.reader.get(), &byte, 1) == 0 ? 0 : 1);
    }
    char byte = 0;
    for (int i = 0; i < 8; ++i) {
        REQUIRE(::read(connected.reader.get(), &byte, 1) == 1);
        fixture.socket->drain();
    }
    write_to(worker, ack(::getpid()));
    CHECK(run_until(fixture.loop, [&] { return fixture.acknowledged == 1; }));
    end.writer.reset();
    CHECK(wait_for_exit(other) == 0);
}

TEST_CASE("an ack that comes while no descriptor is free is heard later, and the master sleeps until then") {
    AckFixture fixture;
    const UniqueFd worker = connect_stream(fixture.path);
    write_to(worker, ack(::getpid()));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const int next = ::dup(worker.get());
    REQUIRE(next >= 0);
    ::close(next);
    const rlimit full{static_cast<rlim_t>(next), before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &full) == 0);
    sup::test::turn(fixture.loop.get());
    pollfd waiting{uv_backend_fd(fixture.loop.get()), POLLIN, 0};
    const int events = ::poll(&waiting, 1, 0);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(events == 0);
    CHECK(fixture.acknowledged == 0);
    CHECK(run_until(fixture.loop, [&] { return fixture.acknowledged == 1; }));
}

TEST_CASE(
    "the ack socket's file is private or, for root's workers, everybody's, replaces a stale one, and goes "
    "with the socket") {
    AckFixture fixture;
    struct stat status {};
    REQUIRE(::stat(fixture.path.c_str(), &status) == 0);
    // As root everybody may connect: a worker may have given up root.
    CHECK((status.st_mode & 07777) == (::geteuid() == 0 ? 0666 : 0600));
    fixture.socket.reset();
    CHECK(::stat(fixture.path.c_str(), &status) != 0);
    write_file(fixture.path, "stale");
    CHECK(AckSocket::open(fixture.loop.get(), fixture.path, std::nullopt, {[] {}, [](const auto&) {}}));
}
