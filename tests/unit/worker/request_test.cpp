#include "sup/http/request.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"
#include "worker/http/poison.h"

using sup::UniqueFd;
using sup::http::Request;
using sup::http::Response;
using sup::test::Client;
using sup::test::contains;
using sup::test::get;
using sup::test::RunningServer;
using sup::test::SocketEnds;
using sup::test::SocketKind;
using sup::test::SocketServer;
using sup::test::Wire;

namespace {

std::uint16_t port_of(int socket) {
    sockaddr_in6 address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin6_port);  // sockaddr_in has it in the same place
}

// By a listener for IPv6 and IPv4; nothing on a machine without IPv6.
std::optional<SocketEnds> connected_v6(const char* to) {
    const UniqueFd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int no = 0;
    ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    sockaddr_in6 address{};
    socklen_t size = sizeof address;
    address.sin6_family = AF_INET6;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return std::nullopt;
    ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
    ::inet_pton(AF_INET6, to, &address.sin6_addr);
    ::listen(listener.get(), 1);
    SocketEnds ends;
    ends.client.reset(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(ends.client.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0)
        return std::nullopt;
    ends.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return ends;
}

// The client's end is bound to `path`.
SocketEnds connected_from_path(const std::string& path) {
    const auto named = [](const std::string& name) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        name.copy(address.sun_path, sizeof address.sun_path - 1);
        return address;
    };
    const sockaddr_un from = named(path);
    const sockaddr_un to = named(path + ".listener");
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    SocketEnds ends;
    ends.client.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(::bind(ends.client.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    REQUIRE(::connect(ends.client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    ends.server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    ::unlink(path.c_str());
    ::unlink(to.sun_path);
    return ends;
}

// What a handler keeps of its request: views, and not copies.
struct Kept {
    std::string_view target;
    std::string_view secret;
    std::optional<Response> response;

    Kept(const Request& request, const Response& answer)
        : target(request.target()), secret(request.header("X-Secret").value_or("")), response(answer) {}
};

std::string told(const Kept& kept) {
    return std::string(kept.target) + " " + std::string(kept.secret) + " " +
           std::string(kept.response->request().path());
}

}  // namespace

TEST_CASE("views of a request are the request's own when its answer is late, whatever others send") {
    std::vector<Kept> kept;
    Wire wire([&](Request& request, const Response& response) { kept.emplace_back(request, response); });
    {
        // The buffer that the head came in is used again.
        std::string bytes = get("/mine?a=b", "X-Secret: sesame\r\n");
        wire.give(bytes);
        bytes.assign(bytes.size(), 'x');
    }
    Wire other([](const Request&, Response response) { response.send(200, ""); });
    for (int i = 0; i < 10; ++i) other.give(get("/theirs", "X-Secret: another\r\n"));
    REQUIRE(kept.size() == 1);
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    kept[0].response->send(200, kept[0].secret);
    CHECK(contains(wire.take(), "sesame"));
    // The answer is complete, and the next request has the connection: this one's Response is still there.
    wire.give(get("/next", "X-Secret: changed\r\n"));
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    wire.protocol.abandon();
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    CHECK(told(kept[1]) == "/next changed /next");
}

TEST_CASE("views of a request are the request's own in the callback that reads its body, and in on_gone") {
    std::string in_reader;
    std::string in_gone;
    Wire wire([&](Request& request, Response response) {
        const std::string_view secret = request.header("X-Secret").value_or("");
        request.read_body(1000, [&, secret](std::string_view, bool last, Response& out) {
            if (!last) return;
            in_reader = secret;
            CHECK(out.request().header("X-Secret") == secret);
            out.send(200, secret);
        });
        response.on_gone([&, secret] { in_gone = std::string(secret) + std::string(request.target()); });
    });
    const std::string head = "POST /up HTTP/1.1\r\nHost: a\r\nX-Secret: sesame\r\nContent-Length: 20\r\n\r\n";
    wire.give(head);
    // Long enough to take the place of the head in any buffer.
    wire.give(std::string(10, 'b'));
    CHECK(contains(wire.give(std::string(10, 'b')), "sesame"));
    CHECK(in_reader == "sesame");
    wire.give(head);
    wire.protocol.abandon();
    CHECK(in_gone == "sesame/up");
}

TEST_CASE("what a handler keeps of a request is never another client's") {
    std::vector<Kept> kept;
    RunningServer server([&](Request& request, Response response) {
        if (request.path() == "/answer") {
            std::string all;
            for (const Kept& one : kept) all += told(one) + "\n";
            for (Kept& one : kept) one.response->send(200, one.secret);
            kept.clear();
            response.send(200, all);
            return;
        }
        if (request.path() != "/keep") {
            response.send(200, "");
            return;
        }
        if (!request.has_body()) {
            kept.emplace_back(request, response);
            return;
        }
        const Kept mine(request, response);
        request.read_body(100, [mine](std::string_view, bool last, Response& out) {
            if (last) out.send(200, told(mine));
        });
    });
    Client late(server.address());
    late.send(get("/keep", "X-Secret: first\r\n"));
    Client uploads(server.address());
    uploads.send("POST /keep HTTP/1.1\r\nHost: a\r\nX-Secret: second\r\nContent-Length: 4\r\n\r\nab");
    for (int i = 0; i < 20; ++i) {
        Client other(server.address());
        other.send(get("/other", "X-Secret: SOMEBODY-ELSE-WITH-A-LONG-HEAD\r\n"));
        CHECK(other.receive().status == 200);
    }
    uploads.send("cd");
    CHECK(uploads.receive().body == "/keep second /keep");
    Client asks(server.address());
    asks.send(get("/answer"));
    CHECK(asks.receive().body == "/keep first /keep\n");
    CHECK(late.receive().body == "first");
}

TEST_CASE("a request tells who asks, where it came in, and all that was sent of it") {
    std::string told;
    RunningServer server([&](Request& request, Response response) {
        told = request.peer().address + " " + std::string(request.listener()) + " " +
               std::string(request.authority()) + " " + request.decoded_path().value_or("none");
        if (request.peer().port == 0 || request.peer().credentials) told += " from nowhere";
        for (const std::string_view value : request.headers("x-many")) told.append(" ").append(value);
        response.send(200, told);
    });
    Client client(server.address());
    client.send(get("/a%20b%2fc", "X-Many: 1\r\nX-Other: 2\r\nx-many:  3 \r\n"));
    CHECK(client.receive().body == "127.0.0.1 listen0 a /a b/c 1 3");
    for (const std::string path : {"/%", "/%4", "/%zz", "/%00", "/%+1"}) {
        client.send(get(path));
        CHECK(client.receive().body == "127.0.0.1 listen0 a none");
    }
}

TEST_CASE("what follows a chunked body is known once the body was read") {
    std::string told;
    Wire wire([&](Request& request, Response) {
        CHECK_FALSE(request.trailer("x-sum"));
        request.read_body(100, [&](std::string_view, bool last, Response& out) {
            if (!last) return;
            told = out.request().trailer("x-sum").value_or("none");
            out.send(200, "");
        });
    });
    wire.give(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n");
    CHECK(told == "42");
}

TEST_CASE("the outcome of each request is reported once, if that was asked for") {
    using sup::http::End;
    std::vector<std::string> log;
    sup::http::Options options;
    options.on_finished = [&](const sup::http::Finished& finished) {
        constexpr std::array<const char*, 5> ends{"complete", "refused", "cut", "client gone", "upgraded"};
        log.push_back(std::string(finished.method) + " " + std::string(finished.target) + " " +
                      std::to_string(finished.status) + " " + std::to_string(finished.bytes_sent) + " " +
                      ends.at(static_cast<std::size_t>(finished.how)));
        throw std::runtime_error("a log that is full costs nobody anything");
    };
    std::optional<Response> kept;
    Wire wire(
        [&](Request& request, Response response) {
            if (request.path() == "/ok") response.send(201, "four");
            if (request.path() == "/throws") throw std::runtime_error("x");
            if (request.path() == "/keep") kept = response;
            if (request.path() == "/cut") {
                response.start(200);
                response.write("abc");
                response.abort();
            }
        },
        options);
    wire.give(get("/ok?a"));
    wire.give("HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n");
    wire.give(get("/drop"));
    wire.give(get("/keep"));
    kept->send(200, "x");
    wire.take();
    CHECK(log == std::vector<std::string>{"GET /ok?a 201 4 complete", "HEAD /ok 201 0 complete",
                                          "GET /drop 500 20 complete", "GET /keep 200 1 complete"});
    log.clear();
    wire.give(get("/keep"));
    wire.protocol.abandon();
    Wire cut(wire.context.handler, options);
    cut.give(get("/cut"));
    Wire throws(wire.context.handler, options);
    throws.give(get("/throws"));
    Wire bad(wire.context.handler, options);
    bad.give("nonsense\r\n\r\n");
    CHECK(log == std::vector<std::string>{"GET /keep 0 0 client gone", "GET /cut 200 3 cut",
                                          "GET /throws 500 20 complete", "  400 12 refused"});
    kept.reset();
}

TEST_CASE("a request tells who asks, by whichever kind of socket") {
    std::vector<sup::http::Peer> peers;
    SocketServer server([&](Request& request, Response response) {
        peers.push_back(request.peer());
        CHECK(&request.peer() == &request.peer());
        CHECK(request.listener() == "http");
        response.send(200, "");
    });
    const auto ask = [&](SocketEnds ends) {
        server.take(std::move(ends.server));
        sup::test::Peer client(std::move(ends.client));
        client.send(get("/"));
        const std::size_t before = peers.size();
        REQUIRE(server.until([&] { return peers.size() > before; }));
        return std::pair(peers.back(), port_of(client.fd()));
    };
    const auto [four, four_port] = ask(sup::test::connected(SocketKind::tcp));
    CHECK(four.address == "127.0.0.1");
    CHECK(four.port == four_port);
    CHECK_FALSE(four.credentials);
    const auto [local, no_port] = ask(sup::test::connected(SocketKind::unix_stream));
    CHECK(local.address.empty());
    CHECK(local.port == 0);
    REQUIRE(local.credentials);
    CHECK(local.credentials->pid == ::getpid());
    CHECK(local.credentials->uid == ::geteuid());
    CHECK(local.credentials->gid == ::getegid());
    const auto [bound, no_port_either] =
        ask(connected_from_path("/tmp/sup-peer-" + std::to_string(::getpid())));
    CHECK(bound.address == "/tmp/sup-peer-" + std::to_string(::getpid()));
    CHECK(bound.credentials);
    if (auto ends = connected_v6("::1")) {
        const auto [six, six_port] = ask(std::move(*ends));
        CHECK(six.address == "::1");
        CHECK(six.port == six_port);
    }
    // IPv4 on a listener for both is told as what it is.
    if (auto ends = connected_v6("::ffff:127.0.0.1")) {
        const auto [mapped, mapped_port] = ask(std::move(*ends));
        CHECK(mapped.address == "127.0.0.1");
        CHECK(mapped.port == mapped_port);
    }
}

#ifdef SUP_ADDRESS_SANITIZER
TEST_CASE("AddressSanitizer reports a look at a request after its exchange") {
    const char* head = nullptr;
    Wire wire([&](Request& request, Response response) {
        head = request.target().data();
        response.send(200, "");
        CHECK_FALSE(__asan_address_is_poisoned(head));
    });
    wire.give(get("/"));
    CHECK(__asan_address_is_poisoned(head));
}

TEST_CASE("who looks at a piece of a body after its call is told by AddressSanitizer") {
    std::vector<const char*> pieces;
    std::optional<Response> paused;
    SocketServer server([&](Request& request, Response response) {
        request.read_body(100, [&](std::string_view piece, bool last, Response& out) {
            if (!last) {
                CHECK_FALSE(__asan_address_is_poisoned(piece.data()));
                pieces.push_back(piece.data());
            } else {
                out.send(200, "");
            }
        });
        // One comes from what was just read, the other from what was kept meanwhile.
        if (request.path() == "/kept") {
            response.pause_body();
            paused = response;
        }
    });
    const std::string post = " HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    sup::test::Peer client = server.connect(SocketKind::tcp);
    client.send("POST /" + post);
    REQUIRE(server.until([&] { return pieces.size() == 1; }));
    client.send("POST /kept" + post);
    REQUIRE(server.until([&] { return paused.has_value(); }));
    std::exchange(paused, std::nullopt)->resume_body();
    REQUIRE(server.until([&] { return pieces.size() == 2; }));
    for (const char* piece : pieces) CHECK(__asan_address_is_poisoned(piece));
}
#endif
