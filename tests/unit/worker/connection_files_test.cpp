// Files as answers, sent by the kernel: whole, in order with everything else, and bounded like all output.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/bodies.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::UniqueFd;
using sup::http::End;
using sup::http::Protocol;
using sup::http::Request;
using sup::http::Response;
using sup::test::get;
using sup::test::open_descriptors;
using sup::test::Peer;
using sup::test::SocketKind;
using sup::test::SocketServer;

namespace {

constexpr std::size_t size = 8UL * 1024 * 1024;

// Answers "/file" with the file from `offset` on, and all else with "hello".
struct Files {
    explicit Files(const std::string& content) : file(::memfd_create("file", MFD_CLOEXEC)) {
        REQUIRE(::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    }
    void operator()(Request& request, Response response) const {
        if (request.path() != "/file") return response.send(200, "hello"), void();
        const std::size_t length = size - offset;
        response.start(200, length);
        Protocol* protocol = Protocol::of(response);
        if (protocol == nullptr) return;
        UniqueFd own(::dup(file.get()));
        if (protocol->write_file(std::move(own), static_cast<off_t>(offset), length)) response.end();
    }
    UniqueFd file;
    std::size_t offset = 0;
};

std::string body_of(const std::string& received) {
    return received.substr(received.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("a file arrives whole, costs no memory, and what was asked for after it follows") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const std::string content = sup::test::pattern(0, size);
    Files files(content);
    files.offset = GENERATE(0UL, 12'345UL);
    SocketServer server(std::ref(files));
    Peer client = server.connect(kind);
    client.send(get("/file") + get("/") + get("/file", "Connection: close\r\n"));
    std::size_t most = 0;
    CHECK(server.until([&] {
        client.read();
        most = std::max(most, server.waiting_bytes());
        return client.ended();
    }));
    CHECK_FALSE(client.was_reset());
    const std::string& all = client.received();
    const std::string expected = content.substr(files.offset);
    REQUIRE(all.size() > 2 * expected.size());
    CHECK(body_of(all).compare(0, expected.size(), expected) == 0);
    CHECK(all.find("hello", expected.size()) != std::string::npos);
    CHECK(all.compare(all.size() - expected.size(), std::string::npos, expected) == 0);
    CHECK(most < 64 * 1024);
}

TEST_CASE("a client that does not take its file costs a descriptor until it goes or the time is up") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const Files files(sup::test::pattern(0, size));
    sup::http::Options options;
    const bool stalls = GENERATE(false, true);
    if (stalls) options.stall_timeout = 100ms;
    SocketServer server(std::ref(files), options);
    const std::size_t descriptors = open_descriptors();
    Peer client = server.connect(kind);
    client.send(get("/file"));
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    if (!stalls) {
        CHECK(server.sleeps());
        CHECK(open_descriptors() == descriptors + 3);
        client.close();
    }
    CHECK(server.until([&] { return server.empty(); }));
    client.close();
    CHECK(open_descriptors() == descriptors);
    CHECK(server.sleeps());
}

TEST_CASE("a client that goes in the midst of a file raises no SIGPIPE") {
    const auto before = std::signal(SIGPIPE, SIG_DFL);
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const Files files(sup::test::pattern(0, size));
    SocketServer server(std::ref(files));
    Peer client = server.connect(kind);
    client.send(get("/file"));
    client.end_sending();
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    ::shutdown(client.fd(), SHUT_RDWR);
    client.close();
    CHECK(server.until([&] { return server.empty(); }));
    std::signal(SIGPIPE, before);
}

TEST_CASE("a file that becomes shorter while it is sent cuts its answer, and no other") {
    const Files files(sup::test::pattern(0, size));
    SocketServer server(std::ref(files));
    Peer client = server.connect(SocketKind::unix_stream);
    Peer other = server.connect(SocketKind::tcp);
    client.send(get("/file"));
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    REQUIRE(::ftruncate(files.file.get(), size / 2) == 0);
    CHECK(server.until([&] {
        client.read();
        return client.ended();
    }));
    CHECK(body_of(client.received()).size() <= size / 2);
    other.send(get("/"));
    CHECK(server.until([&] {
        other.read();
        return other.received().find("hello") != std::string::npos;
    }));
}

TEST_CASE("a file that grows while it is sent arrives as it was, and what was asked for after it follows") {
    const std::string content = sup::test::pattern(0, size);
    const Files files(content);
    SocketServer server(std::ref(files));
    Peer client = server.connect(GENERATE(SocketKind::tcp, SocketKind::unix_stream));
    client.send(get("/file") + get("/", "Connection: close\r\n"));
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    REQUIRE(::write(files.file.get(), content.data(), content.size()) == static_cast<ssize_t>(size));
    CHECK(server.until([&] {
        client.read();
        return client.ended();
    }));
    const std::string body = body_of(client.received());
    CHECK(body.compare(0, size, content) == 0);
    CHECK(body.compare(size, 15, "HTTP/1.1 200 OK") == 0);
}

TEST_CASE("a drain lets a file arrive whole, and its deadline ends one that nobody takes") {
    const Files files(sup::test::pattern(0, size));
    SocketServer server(std::ref(files));
    Peer reads = server.connect(SocketKind::tcp);
    Peer stalls = server.connect(SocketKind::tcp);
    reads.send(get("/file"));
    stalls.send(get("/file"));
    REQUIRE(server.until([&] {
        reads.read(100);
        stalls.read(100);
        return !reads.received().empty() && !stalls.received().empty();
    }));
    server.server().drain();
    server.server().close_idle();
    CHECK(server.until([&] {
        reads.read();
        return reads.ended();
    }));
    CHECK(body_of(reads.received()).size() == size);
    server.server().close_all(20ms);
    CHECK(server.until([&] { return server.empty(); }));
}

TEST_CASE("a file for HEAD is not sent") {
    const Files files(sup::test::pattern(0, size));
    SocketServer server(std::ref(files));
    Peer client = server.connect(SocketKind::tcp);
    client.send("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" + get("/"));
    CHECK(server.until([&] {
        client.read();
        return client.received().find("hello") != std::string::npos;
    }));
    CHECK(client.received().size() < 1000);
}

namespace {

// What the log says of answers.
struct Ends {
    explicit Ends(sup::http::Options& options) {
        options.on_finished = [this](const sup::http::Finished& finished) {
            all.push_back(finished.how);
            bytes = finished.bytes_sent;
        };
    }
    std::vector<End> all;
    std::uint64_t bytes = 0;
};

// Begins "/file", which the client then does not take.
Peer begun(SocketServer& server, SocketKind kind) {
    Peer client = server.connect(kind);
    client.send(get("/file"));
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    return client;
}

}  // namespace

TEST_CASE("an answer of a file is complete when the file has left, and how it ended otherwise is told") {
    enum class Fate { arrives, reset, stalls, shortened, deadline, aborted };
    const auto [fate, expected] = GENERATE(table<Fate, End>({
        {Fate::arrives, End::complete},
        {Fate::reset, End::client_gone},
        {Fate::stalls, End::client_gone},
        {Fate::shortened, End::cut},
        {Fate::deadline, End::cut},
        {Fate::aborted, End::cut},
    }));
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const UniqueFd file = Files(sup::test::pattern(0, size)).file;
    sup::http::Options options;
    if (fate == Fate::stalls) options.stall_timeout = 100ms;
    Ends ends(options);
    int gone = 0;
    std::optional<Response> kept;
    SocketServer server(
        [&](Request&, Response response) {
            kept = response;
            response.on_gone([&] { ++gone; });
            CHECK(response.send_file(::dup(file.get())));
        },
        options);
    Peer client = begun(server, kind);
    CHECK(ends.all.empty());
    switch (fate) {
        case Fate::reset: client.close(); break;
        case Fate::shortened: REQUIRE(::ftruncate(file.get(), size / 2) == 0); break;
        case Fate::deadline: server.server().close_all(20ms); break;
        case Fate::aborted: kept->abort(); break;
        case Fate::arrives:
        case Fate::stalls: break;
    }
    const bool reads = fate == Fate::arrives || fate == Fate::shortened || fate == Fate::aborted;
    CHECK(server.until([&] {
        if (reads) client.read();
        return !ends.all.empty();
    }));
    CHECK(ends.all == std::vector<End>{expected});
    CHECK((ends.bytes == size) == (fate == Fate::arrives));
    // Where nothing was reset the client has what the log says.
    if (fate == Fate::arrives || fate == Fate::aborted) {
        CHECK(server.until([&] {
            client.read();
            return body_of(client.received()).size() == ends.bytes;
        }));
    }
    CHECK(server.server().context().unanswered == (fate == Fate::arrives ? 0 : 1));
    CHECK(gone == (fate == Fate::arrives ? 0 : 1));
}

TEST_CASE("an answer that waits in memory and is lost there was not complete") {
    const bool in_time = GENERATE(true, false);
    sup::http::Options options;
    options.stall_timeout = in_time ? 60'000ms : 100ms;
    Ends ends(options);
    SocketServer server([](Request&, Response response) { response.send(200, std::string(size, 'x')); },
                        options);
    Peer client = begun(server, SocketKind::tcp);
    CHECK(ends.all.empty());
    if (in_time) client.close();
    CHECK(server.until([&] { return server.empty(); }));
    CHECK(ends.all == std::vector<End>{End::client_gone});
    CHECK(ends.bytes < size);
    CHECK(ends.bytes > 0);
}

TEST_CASE("who hears in the midst of any call that the client has gone may drop the Response of that call") {
    const int call = GENERATE(range(0, 9));
    const UniqueFd file = Files(sup::test::pattern(0, size)).file;
    std::optional<Response> kept;
    int gone = 0;
    SocketServer server([&](Request&, Response response) {
        kept = response;
        if (call == 1 || call == 2 || call == 6 || call == 7) response.start(200);
        response.on_gone([&] {
            ++gone;
            kept.reset();
        });
    });
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/"));
    REQUIRE(server.until([&] { return kept.has_value(); }));
    // Nothing tells the server of it but the attempt to send.
    client.end_sending();
    server.turn();
    const linger at_once{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client.close();
    const std::string large(size, 'x');
    switch (call) {
        case 0: kept->send_file(::dup(file.get())); break;
        case 1: kept->write(large); break;
        case 2: kept->end(); break;
        case 3: kept->send(200, large); break;
        case 4: kept->start(200); break;
        case 5: kept->inform(103, {}); break;
        case 6: kept->on_writable([](Response&) {}); break;
        case 7: kept->abort(); break;
        case 8: kept->resume_body(); break;
        default: break;
    }
    CHECK(server.until([&] { return server.empty(); }));
    kept.reset();
    CHECK(gone <= 1);
}
