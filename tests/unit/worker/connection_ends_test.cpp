// However a client goes, and whatever its connection is doing then: the connection ends, its descriptor is
// gone, and the loop sleeps.
#include <fcntl.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"

using sup::UniqueFd;
using sup::http::Request;
using sup::http::Response;
using sup::test::get;
using sup::test::open_descriptors;
using sup::test::Peer;
using sup::test::SocketEnds;
using sup::test::SocketKind;
using sup::test::SocketServer;

namespace {

constexpr std::size_t much = 4UL * 1024 * 1024;

// "/wait" is kept, "/much" fills every buffer at once, "/stream" as fast as the client takes it, for ever.
struct Answers {
    void operator()(Request& request, Response response) {
        if (request.has_body() && request.path() != "/unread") {
            return request.read_body(1000, [](std::string_view, bool last, Response& out) {
                if (last) out.send(200, "read");
            });
        }
        if (request.path() == "/wait" || request.path() == "/unread") {
            kept.push_back(std::move(response));
        } else if (request.path() == "/much") {
            response.send(200, std::string(much, 'x'));
        } else if (request.path() == "/stream") {
            response.start(200);
            stream(response);
        } else {
            response.send(200, "hello");
        }
    }
    static void stream(Response& response) {
        while (response.open() && response.write("0123456789")) continue;
        response.on_writable(stream);
    }
    void answer_kept() {
        for (Response& response : std::exchange(kept, {})) response.send(200, "late");
    }
    std::vector<Response> kept;
};

struct State {
    std::string name;
    std::string sent;
    // Whether that is what the connection is in by now.
    std::function<bool(Peer& client, Answers& answers)> reached;
    bool answer_due = false;  // also to a client that has ended its side
};

bool nothing_to_see(Peer&, Answers&) {
    return true;
}
bool answered(Peer& client, Answers&) {
    client.read();
    return client.received().find("hello") != std::string::npos;
}
bool ended_our_side(Peer& client, Answers&) {
    client.read();
    return client.ended();
}
bool handler_has_it(Peer&, Answers& answers) {
    return !answers.kept.empty();
}
bool answer_began(Peer& client, Answers&) {
    client.read(100);
    return !client.received().empty();
}

const std::string post_begun = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc";
const std::string post_unread = "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc";

std::vector<State> states() {
    return {
        {"fresh", "", nothing_to_see, false},
        {"reading a head", "GET / HTT", nothing_to_see, false},
        {"reading a body", post_begun, nothing_to_see, false},
        {"reading a chunked body", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
         nothing_to_see, false},
        {"a handler thinks", get("/wait"), handler_has_it, true},
        {"a handler thinks, and has not asked for the body", post_unread, handler_has_it, true},
        {"a handler thinks, and as much as is read ahead waits", get("/wait") + std::string(100'000, 'x'),
         handler_has_it, true},
        {"an answer is partly sent", get("/much"), answer_began, true},
        {"a stream is partly sent", get("/stream"), answer_began, true},
        {"an answer is partly sent, and more requests wait", get("/much") + get("/") + get("/"), answer_began,
         true},
        {"idle", get("/"), answered, false},
        {"lingering", "NONSENSE\r\n\r\n", ended_our_side, false},
        {"lingering after a late request", get("/", "Connection: close\r\n") + get("/"), ended_our_side,
         false},
    };
}

struct Going {
    std::string name;
    std::function<void(Peer&, int server_end)> go;
    bool only_tcp = false;
};

void reset(Peer& client, int) {
    const linger at_once{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    client.close();
}
// TCP: a reset without a close (connect(2)).
void disconnect(Peer& client, int) {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    ::connect(client.fd(), &nowhere, sizeof nowhere);
}
void close(Peer& client, int) {
    client.close();
}
// Somebody else who holds the socket, say a child process, ends it.
void shut_both(Peer&, int server_end) {
    ::shutdown(server_end, SHUT_RDWR);
}

std::vector<Going> ways_to_go() {
    return {{"closes", close}, {"resets", reset}, {"disconnects", disconnect, true}, {"is shut", shut_both}};
}

// A server with one connection in `state`, and a second descriptor of the server's end.
struct Scene {
    Scene(SocketKind kind, const State& state) : server(std::ref(answers)), client(UniqueFd()) {
        SocketEnds ends = sup::test::connected(kind);
        also_server.reset(::fcntl(ends.server.get(), F_DUPFD_CLOEXEC, 0));
        server.take(std::move(ends.server));
        client = Peer(std::move(ends.client));
        for (std::string_view left = state.sent; !left.empty();) {
            left.remove_prefix(client.send(left));
            if (!left.empty() && server.sleeps()) break;  // no more is taken
        }
        REQUIRE(server.until([&] { return state.reached(client, answers); }));
        REQUIRE(server.sleeps());
    }
    // A reset while the test still holds the socket leaves its errors to be seen, and so does an end.
    void forget_server_end() { also_server.reset(); }

    Answers answers;
    SocketServer server;
    Peer client;
    UniqueFd also_server;
};

bool detectable(SocketKind kind, const State& state, const std::string& way) {
    // TCP says nothing of a close(2) but the end of the client's side, before something is sent to it.
    return !(kind == SocketKind::tcp && way == "closes" && state.answer_due);
}

}  // namespace

TEST_CASE("a client that goes, in whatever way and state, leaves nothing behind, and the loop sleeps") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const bool half_closed_before = GENERATE(false, true);
    { const SocketServer first(Answers{}); }  // libuv keeps some descriptors for the process
    for (const State& state : states()) {
        for (const Going& way : ways_to_go()) {
            if (way.only_tcp && kind != SocketKind::tcp) continue;
            INFO(state.name << ", the client " << (half_closed_before ? "ends its side, and " : "")
                            << way.name << (kind == SocketKind::tcp ? ", TCP" : ", unix"));
            const std::size_t descriptors = open_descriptors();
            {
                Scene scene(kind, state);
                if (half_closed_before) {
                    scene.client.end_sending();
                    REQUIRE(scene.server.sleeps());
                }
                way.go(scene.client, scene.also_server.get());
                scene.forget_server_end();
                CHECK(scene.server.sleeps());
                if (!detectable(kind, state, way.name)) scene.answers.answer_kept();
                CHECK(scene.server.until([&] { return scene.server.empty(); }));
                CHECK(scene.server.sleeps());
            }
            CHECK(open_descriptors() == descriptors);
        }
    }
}

TEST_CASE(
    "a client that only ends its side gets what is due, and then the end, and until then the loop sleeps") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    for (const State& state : states()) {
        if (state.sent.find("/stream") != std::string::npos) continue;  // has no end
        INFO(state.name << (kind == SocketKind::tcp ? ", TCP" : ", unix"));
        Scene scene(kind, state);
        scene.forget_server_end();
        scene.client.end_sending();
        CHECK(scene.server.sleeps());
        if (state.answer_due) CHECK_FALSE(scene.server.empty());
        scene.answers.answer_kept();
        CHECK(scene.server.until([&] {
            scene.client.read();
            return scene.client.ended();
        }));
        CHECK(scene.server.until([&] { return scene.server.empty(); }));
        CHECK(scene.server.sleeps());
        if (!state.answer_due) continue;
        const bool waited = state.sent.find("/much") == std::string::npos;
        CHECK(scene.client.received().find(waited ? "late" : "HTTP/1.1 200") != std::string::npos);
        if (!waited) CHECK(scene.client.received().size() > much);
    }
}

TEST_CASE("a reset that comes while the loop sleeps on a full send buffer ends the connection at once") {
    // As a browser does that cancels a download: it has ended its side long before, or not.
    const bool half_closed = GENERATE(false, true);
    Answers answers;
    SocketServer server(std::ref(answers));
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/stream"));
    if (half_closed) client.end_sending();
    REQUIRE(server.until([&] {
        client.read(100);
        return !client.received().empty();
    }));
    REQUIRE(server.sleeps());
    reset(client, -1);
    CHECK(server.until([&] { return server.empty(); }));
    CHECK(server.sleeps());
}

TEST_CASE("a list of Responses may be walked while its clients go, or have sent more requests") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    std::map<int, Response> subscribers;
    int next = 0;
    SocketServer server([&](Request&, Response response) {
        const int number = next++;
        response.start(200);
        response.on_gone([&, number] { subscribers.erase(number); });
        subscribers.emplace(number, std::move(response));
    });
    std::vector<Peer> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(server.connect(kind));
        clients.back().send(get("/") + get("/again"));
    }
    REQUIRE(server.until([&] { return subscribers.size() == clients.size(); }));
    for (std::size_t i = 0; i < clients.size(); i += 2) clients[i].close();
    SECTION("to write to each") {
        for (int round = 0; round < 3; ++round) {
            for (auto& [number, response] : subscribers) response.write("news");
            server.turn();
        }
        CHECK(server.until([&] { return subscribers.size() == clients.size() / 2; }));
    }
    SECTION("to end each") {
        for (auto& [number, response] : subscribers) response.end();
        CHECK(next == 40);
        CHECK(server.until([&] { return next >= 60; }));
    }
    SECTION("to drop all") {
        subscribers.clear();
        CHECK(next == 40);
    }
    clients.clear();
    CHECK(server.until([&] {
        for (auto& [number, response] : subscribers) response.write("news");
        return server.empty();
    }));
    subscribers.clear();
}

TEST_CASE("an answer that is cut is not ended in order by what its client sends in the same turn") {
    std::optional<Response> stream;
    SocketServer server([&](Request& request, Response response) {
        if (request.path() == "/cut") {
            stream->abort();
            stream.reset();
            response.send(204, "");
            return;
        }
        response.start(200);
        response.write("a part");
        stream = std::move(response);
    });
    Peer old = server.connect(SocketKind::tcp);
    Peer other = server.connect(SocketKind::tcp);
    old.send("GET / HTTP/1.0\r\n\r\n");
    REQUIRE(server.until([&] {
        old.read();
        return !old.received().empty();
    }));
    other.send(get("/cut"));
    old.send("more");
    CHECK(server.until([&] {
        old.read();
        return old.ended();
    }));
    CHECK(old.was_reset());
}

TEST_CASE("an answer that is given in the last turn of its server still leaves") {
    Answers answers;
    std::optional<SocketServer> server(std::in_place, std::ref(answers));
    Peer client = server->connect(SocketKind::tcp);
    client.send(get("/wait"));
    REQUIRE(server->until([&] { return !answers.kept.empty(); }));
    answers.answer_kept();
    server.reset();
    client.read();
    CHECK(client.received().find("late") != std::string::npos);
}

TEST_CASE("an answer of the last moment leaves, though the client's time is up in the same turn") {
    std::optional<Response> kept;
    sup::http::Options options;
    options.stall_timeout = std::chrono::milliseconds(20);
    SocketServer server(
        [&](Request& request, Response response) {
            request.read_body(100, [](std::string_view, bool, Response&) {});
            kept = std::move(response);
        },
        options);
    Peer client = server.connect(SocketKind::tcp);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    REQUIRE(server.until([&] { return kept.has_value(); }));
    sup::uv::Timer answers(server.loop(), [&] { std::exchange(kept, std::nullopt)->send(503, "late"); });
    answers.arm(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // both timers are due
    CHECK(server.until([&] {
        client.read();
        return client.received().find("late") != std::string::npos;
    }));
    CHECK(server.until([&] { return server.empty(); }));
    CHECK_FALSE(client.was_reset());
}

TEST_CASE(
    "what is written to many clients outside of their handlers does not wait in memory for all of them") {
    std::vector<Response> subscribers;
    sup::http::Options options;
    options.output_budget = 1 << 20;
    SocketServer server(
        [&](Request&, Response response) {
            response.start(200);
            subscribers.push_back(std::move(response));
        },
        options);
    std::vector<Peer> clients;
    for (std::size_t i = 0; i < 300; ++i) {
        clients.push_back(server.connect(SocketKind::unix_stream));
        clients.back().send(get("/"));
    }
    REQUIRE(server.until([&] { return subscribers.size() == clients.size(); }));
    for (Response& response : subscribers) CHECK(response.write(std::string(8000, 'x')));
    CHECK(server.waiting_bytes() == 0);
    subscribers.clear();
}

TEST_CASE("a request that waited behind an answer of the drain's last moment is answered") {
    Answers answers;
    SocketServer server(std::ref(answers));
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/wait") + get("/hello"));
    REQUIRE(server.until([&] { return !answers.kept.empty(); }));
    answers.answer_kept();
    server.server().close_all(std::chrono::milliseconds(5));
    CHECK(server.until([&] { return server.empty(); }));
    client.read();
    CHECK(client.received().find("late") != std::string::npos);
    CHECK(client.received().find("hello") != std::string::npos);
}
