// Files as answers, sent by the kernel: whole, in order with everything else, and bounded like all output.
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <string>

#include "tests/catch.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::UniqueFd;
using sup::http::Options;
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

std::string pattern(std::size_t count) {
    std::string bytes(count, '\0');
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<char>('!' + (i * 7 + i / 251 + i / 65'521) % 90);
    return bytes;
}

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
    const std::string content = pattern(size);
    Files files(content);
    files.offset = GENERATE(0, 12'345);
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
    const Files files(pattern(size));
    Options options;
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
    const Files files(pattern(size));
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
    const Files files(pattern(size));
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
    const std::string content = pattern(size);
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
    const Files files(pattern(size));
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
    const Files files(pattern(size));
    SocketServer server(std::ref(files));
    Peer client = server.connect(SocketKind::tcp);
    client.send("HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" + get("/"));
    CHECK(server.until([&] {
        client.read();
        return client.received().find("hello") != std::string::npos;
    }));
    CHECK(client.received().size() < 1000);
}
