// What slow and greedy clients may cost: time, memory and descriptors, all bounded.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/sanitized.h"
#include "tests/unit/worker/captured_log.h"
#include "tests/unit/worker/resident.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using sup::http::Request;
using sup::http::Response;
using sup::test::CapturedLog;
using sup::test::get;
using sup::test::Peer;
using sup::test::SocketEnds;
using sup::test::SocketKind;
using sup::test::SocketServer;

namespace {

void hello(Request&, Response response) {
    response.send(200, "hello");
}

void take_body(Request& request, Response response) {
    if (request.path() == "/much") {
        response.send(200, std::string(1'000'000, 'x'));
        return;
    }
    if (!request.has_body()) {
        response.send(200, "hello");
        return;
    }
    request.read_body(1'000'000, [](std::string_view, bool last, Response& out) {
        if (last) out.send(200, "read");
    });
}

// Sends `piece` again and again, until the server has ended the connection.
bool ends_while_sending(SocketServer& server, Peer& client, std::string_view piece) {
    return server.until([&] {
        client.send(piece);
        client.read();
        return client.ended();
    });
}

bool answered(SocketServer& server, Peer& client, const std::string& text) {
    return server.until([&] {
        client.read();
        return client.received().find(text) != std::string::npos;
    });
}

// How often the client could send a piece within that time, with the connection still open.
int sends_for(SocketServer& server, Peer& client, std::string_view piece, std::chrono::milliseconds time) {
    const auto end = Clock::now() + time;
    int sent = 0;
    while (Clock::now() < end && !client.ended()) {
        sent += client.send(piece) > 0 ? 1 : 0;
        server.wakes_in(2ms);
        client.read();
    }
    return sent;
}

const std::string long_post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
const std::string short_post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n12";
const std::string post_chunks = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("idle connections end after 75 seconds where nothing else is said") {
    CHECK(sup::http::Options{}.idle_timeout == 75s);
}

TEST_CASE("empty lines keep no connection: neither a new one nor one that has been served") {
    sup::http::Options options;
    const bool fresh_without_idle_timeout = GENERATE(false, true);
    options.idle_timeout = fresh_without_idle_timeout ? 0ms : 80ms;
    options.header_timeout = fresh_without_idle_timeout ? 80ms : 30'000ms;
    SocketServer server(hello, options);
    Peer fresh = server.connect(SocketKind::tcp);
    CHECK(ends_while_sending(server, fresh, "\r\n"));
    CHECK_FALSE(fresh.was_reset());
    Peer kept = server.connect(SocketKind::tcp);
    kept.send(get("/"));
    REQUIRE(answered(server, kept, "hello"));
    if (fresh_without_idle_timeout) {
        CHECK(sends_for(server, kept, "\r\n", 200ms) > 4);
        CHECK_FALSE(kept.ended());
    } else {
        CHECK(ends_while_sending(server, kept, "\r\n"));
    }
}

TEST_CASE("a time of 0 is for ever: nobody is waited for too long, and nobody ends") {
    sup::http::Options options;
    const int which = GENERATE(0, 1, 2, 3, 4);
    if (which == 0 || which == 4) options.idle_timeout = 0ms;
    if (which == 1 || which == 4) options.header_timeout = 0ms;
    if (which == 2 || which == 4) options.stall_timeout = 0ms;
    if (which == 3 || which == 4) options.linger_timeout = 0ms;
    SocketServer server(take_body, options);
    Peer silent = server.connect(SocketKind::tcp);
    Peer kept = server.connect(SocketKind::tcp);
    for (const std::string& request : {get("/"), short_post, get("/")}) {
        const std::size_t before = kept.received().size();
        kept.send(request.substr(0, request.size() - 1));
        server.turn();
        kept.send(request.substr(request.size() - 1));
        REQUIRE(server.until([&] {
            kept.read();
            return kept.received().size() > before;
        }));
        CHECK(server.sleeps());
    }
    Peer stalls = server.connect(SocketKind::tcp);
    stalls.send(get("/much"));
    server.turn();
    CHECK(server.sleeps());
    CHECK(server.server().open_connections() == 3);
    CHECK_FALSE(silent.ended());
    // A drain's deadline ends also what may wait for ever.
    server.server().close_all(5ms);
    CHECK(server.until([&] { return server.empty(); }));
}

TEST_CASE("a negative time is told in the log, and taken for 0") {
    sup::http::Options options;
    options.header_timeout = options.stall_timeout = options.idle_timeout = options.linger_timeout = -1ms;
    const CapturedLog log;
    SocketServer server(hello, options);
    Peer kept = server.connect(SocketKind::tcp);
    kept.send(get("/"));
    REQUIRE(answered(server, kept, "hello"));
    CHECK(server.sleeps());
    kept.read();
    CHECK_FALSE(kept.ended());
    for (const char* name : {"header_timeout", "stall_timeout", "idle_timeout", "linger_timeout"})
        CHECK(log.text().find(name + std::string(" is negative (-1 ms)")) != std::string::npos);
}

TEST_CASE("a head that drips has no more time than one that stops, on however many connections") {
    sup::http::Options options;
    options.header_timeout = 80ms;
    SocketServer server(hello, options);
    std::vector<Peer> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(server.connect(SocketKind::unix_stream));
    for (Peer& client : clients) client.send("GET / HTTP/1.1\r\nX: ");
    CHECK(server.until([&] {
        bool all = true;
        for (Peer& client : clients) {
            client.send("x");
            client.read();
            all = all && client.ended();
        }
        return all;
    }));
    for (Peer& client : clients) CHECK(client.received().rfind("HTTP/1.1 408", 0) == 0);
    clients.clear();
    CHECK(server.until([&] { return server.empty(); }));
}

TEST_CASE("a handler may take longer than a head, a body or an idle connection may") {
    sup::http::Options options;
    options.header_timeout = options.idle_timeout = options.stall_timeout = 20ms;
    std::vector<Response> kept;
    SocketServer server([&](Request&, Response response) { kept.push_back(std::move(response)); }, options);
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/") + "GET /next HTTP/1.1\r\n");
    server.wakes_in(150ms);
    REQUIRE_FALSE(server.empty());
    REQUIRE(kept.size() == 1);
    std::exchange(kept, {})[0].send(200, "late");
    CHECK(answered(server, client, "late"));
}

TEST_CASE("a body has a minimum rate, whatever frames it") {
    sup::http::Options options;
    options.stall_timeout = 100ms;
    options.min_body_rate = GENERATE(0UL, 100'000'000UL);  // more than comes byte by byte
    SocketServer server(take_body, options);
    const auto refused = [&](const std::string& head, std::string_view piece) {
        Peer client = server.connect(SocketKind::tcp);
        client.send(head);
        return ends_while_sending(server, client, piece) && client.received().rfind("HTTP/1.1 408", 0) == 0;
    };
    // These never count.
    CHECK(refused(post_chunks + "5;name=", "x"));
    CHECK(refused(post_chunks, "0"));
    CHECK(refused(post_chunks + "1\r\na\r\n0\r\nTrailer: ", "x"));
    if (options.min_body_rate > 0) {
        CHECK(refused(long_post, "x"));
        CHECK(refused(post_chunks, "1\r\nx\r\n"));
    } else {
        Peer slow = server.connect(SocketKind::tcp);
        slow.send(long_post);
        CHECK(sends_for(server, slow, "x", 400ms) > 4);
        CHECK(slow.received().empty());
    }
}

TEST_CASE("a body at its minimum rate is taken however long it lasts") {
    sup::http::Options options;
    options.stall_timeout = 200ms;
    options.min_body_rate = 1'000;
    SocketServer server(take_body, options);
    Peer client = server.connect(SocketKind::tcp);
    client.send(long_post);
    sends_for(server, client, std::string(1000, 'x'), 700ms);
    CHECK(client.received().empty());
    CHECK_FALSE(client.ended());
}

TEST_CASE("a client that takes its answer byte by byte is cut") {
    sup::http::Options options;
    options.stall_timeout = 150ms;
    options.min_body_rate = 10'000;
    SocketServer server([](Request&, Response response) { response.send(200, std::string(1'000'000, 'x')); },
                        options);
    for (const SocketKind kind : {SocketKind::tcp, SocketKind::unix_stream}) {
        Peer client = server.connect(kind);
        client.send(get("/"));
        CHECK(server.until([&] {
            client.read(1);
            return server.empty();
        }));
        client.read();
        // A clean end would tell it that it has everything.
        CHECK((kind == SocketKind::unix_stream || client.was_reset()));
    }
}

TEST_CASE("a client that sends a byte now and then after its last answer is not waited for") {
    sup::http::Options options;
    options.linger_timeout = 100ms;
    SocketServer server([](Request&, Response response) { response.send(200, ""); }, options);
    Peer client = server.connect(SocketKind::tcp);
    client.send("NONSENSE\r\n\r\n");
    const auto end = Clock::now() + 3s;
    CHECK(server.until([&] {
        client.send("x");
        return server.empty() || Clock::now() > end;
    }));
    CHECK(server.empty());
    client.read();
    CHECK(sup::test::contains(client.received(), "400 Bad Request"));
}

TEST_CASE("room is made by who has waited longest, be it new or served, but not by who has just come") {
    SocketServer server([](Request&, Response response) { response.send(200, "hello"); });
    const auto wait = [&server](std::chrono::milliseconds time) { server.wakes_in(time); };
    const auto serve = [&server] {
        Peer client = server.connect(SocketKind::tcp);
        client.send(get("/"));
        REQUIRE(answered(server, client, "hello"));
        return client;
    };
    const auto makes_room = [&server](Peer& client) {
        REQUIRE(server.server().make_room(1) == 1);
        return server.until([&] { return server.server().ended_connections() == 0; }) &&
               (client.read(), client.ended());
    };
    Peer just_came = server.connect(SocketKind::tcp);
    wait(30ms);
    Peer served = serve();
    CHECK(makes_room(served));
    Peer later = serve();
    wait(150ms);
    CHECK(makes_room(just_came));
    Peer newest = server.connect(SocketKind::tcp);
    wait(150ms);
    CHECK(makes_room(later));
    CHECK(makes_room(newest));
}

TEST_CASE("a request that has come when the time is up, and was not seen yet, is answered") {
    SocketServer server([](Request&, Response response) { response.send(200, "hello"); });
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/"));
    REQUIRE(answered(server, client, "hello"));
    client.send(get("/"));
    const std::size_t before = client.received().size();
    server.server().drain();
    server.server().close_all(100ms);
    CHECK(server.until([&] { return server.empty(); }));
    client.read();
    CHECK(client.received().size() > before);
    CHECK(sup::test::contains(client.received().substr(before), "hello"));
}

TEST_CASE("a client that is slow, but takes what the kernel holds for it, is not cut") {
    sup::http::Options options;
    options.stall_timeout = 150ms;
    SocketServer server([](Request&, Response response) { response.send(200, std::string(6'000'000, 'x')); },
                        options);
    SocketEnds ends = sup::test::connected(SocketKind::tcp);
    // It becomes writable again when a third of it is free, which takes longer here than a stall.
    const int large = 2 * 1024 * 1024;
    ::setsockopt(ends.server.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large);
    server.take(std::move(ends.server));
    Peer client(std::move(ends.client));
    client.send(get("/"));
    const auto end = Clock::now() + 1200ms;
    while (Clock::now() < end) {
        client.read(2'000);
        server.wakes_in(2ms);
    }
    CHECK_FALSE(client.ended());
    REQUIRE_FALSE(server.empty());
    CHECK(server.until([&] {
        client.read();
        return client.received().size() > 6'000'000;
    }));
}

TEST_CASE("answers that nobody takes are limited for all clients together, and others are still served") {
    constexpr std::size_t mib = 1024 * 1024;
    sup::http::Options options;
    options.output_budget = 8 * mib;
    SocketServer server(
        [](Request& request, Response response) {
            response.send(200, request.path() == "/" ? "hello" : std::string(mib, 'x'));
        },
        options);
    std::vector<Peer> greedy;
    std::size_t most = 0;
    for (int i = 0; i < 60; ++i) {
        greedy.push_back(server.connect(SocketKind::unix_stream));
        greedy.back().send(get("/much") + get("/much"));
        server.turn();
        most = std::max(most, server.waiting_bytes());
    }
    CHECK(most <= 2 * options.output_budget + 3 * mib);  // and the largest, and the last
    Peer modest = server.connect(SocketKind::tcp);
    modest.send(get("/"));
    CHECK(answered(server, modest, "hello"));
    // The longest stalled go, until the others fit.
    CHECK(server.until([&] { return server.waiting_bytes() <= options.output_budget; }));
    CHECK(server.server().open_connections() < 20);
    greedy.clear();
    CHECK(server.until([&] { return server.waiting_bytes() == 0; }));
}

TEST_CASE("a handler that keeps writing although it is told to wait does not fill memory") {
    constexpr std::size_t mib = 1024 * 1024;
    sup::http::Options options;
    options.output_budget = 4 * mib;
    const std::string piece(static_cast<std::size_t>(GENERATE(1000, 64 * 1024)), 'x');
    std::size_t written = 0;
    SocketServer server(
        [&](Request&, Response response) {
            response.start(200);
            while (response.open() && written < 1000 * mib) {
                response.write(piece);
                written += piece.size();
            }
        },
        options);
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/"));
    CHECK(server.until([&] { return server.empty() && written > 0; }));
    CHECK(written < 16 * mib);
    CHECK(server.waiting_bytes() == 0);
}

TEST_CASE("one large answer may take the whole budget where its client takes it") {
    sup::http::Options options;
    options.output_budget = 1024 * 1024;
    SocketServer server([](Request&, Response response) { response.send(200, std::string(1'900'000, 'x')); },
                        options);
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/"));
    CHECK(server.until([&] {
        client.read(100'000);
        return client.received().size() > 1'900'000;
    }));
}

TEST_CASE("a slow reader of many pipelined answers costs no more than one answer above its share") {
    sup::http::Options options;
    options.output_high_water = 64 * 1024;
    SocketServer server([](Request&, Response response) { response.send(200, std::string(10'000, 'x')); },
                        options);
    Peer client = server.connect(SocketKind::tcp);
    std::string many;
    for (int i = 0; i < 2000; ++i) many += get("/");
    std::string_view left = many;
    std::size_t most = 0;
    CHECK(server.until([&] {
        left.remove_prefix(client.send(left));
        client.read(20'000);
        most = std::max(most, server.waiting_bytes());
        return client.received().size() > 2000UL * 10'000;
    }));
    CHECK(most < 256 * 1024);
}

TEST_CASE("memory is given back after a peak") {
    constexpr std::size_t mib = 1024 * 1024;
    SocketServer server([](Request&, Response response) {
        response.start(200);
        const std::string piece(10'000, 'x');
        for (int i = 0; i < 40; ++i) response.write(piece);
    });
    std::vector<Peer> clients;
    ::malloc_trim(0);  // what earlier tests have left would be used again
    const std::size_t before = sup::test::resident_kib();
    for (int i = 0; i < 100; ++i) {
        clients.push_back(server.connect(SocketKind::unix_stream));
        clients.back().send(get("/"));
    }
    REQUIRE(server.until([&] { return server.waiting_bytes() > 30 * mib; }));
    REQUIRE(sup::test::resident_kib() > before + 20 * 1024);
    clients.clear();
    if (!sup::test::sanitized)
        CHECK(server.until([&] { return sup::test::resident_kib() < before + 12 * 1024; }));
    CHECK(server.until([&] { return server.empty(); }));
    CHECK(server.sleeps());
}

TEST_CASE("where room is needed the longest idle go first, in order, and no request is lost") {
    std::vector<Response> kept;
    SocketServer server([&](Request& request, Response response) {
        if (request.path() == "/wait") {
            kept.push_back(std::move(response));
        } else {
            response.send(200, "hello");
        }
    });
    Peer busy = server.connect(SocketKind::tcp);
    busy.send(get("/wait"));
    REQUIRE(server.until([&] { return kept.size() == 1; }));
    std::vector<Peer> idle;
    for (int i = 0; i < 4; ++i) {
        idle.push_back(server.connect(SocketKind::tcp));
        idle.back().send(get("/"));
        REQUIRE(answered(server, idle.back(), "hello"));
    }
    // The first has just asked again, which the server has not seen yet.
    idle[0].send(get("/"));
    CHECK(server.server().make_room(1) == 1);
    CHECK(server.until([&] {
        idle[1].read();
        return idle[1].ended();
    }));
    CHECK_FALSE(idle[1].was_reset());
    CHECK(server.until([&] {
        idle[0].read();
        return idle[0].received().size() > 2 * 100;
    }));
    for (const std::size_t i : {2U, 3U}) {
        idle[i].send(get("/"));
        CHECK(server.until([&] {
            idle[i].read();
            return idle[i].received().size() > 2 * 100;
        }));
    }
    std::exchange(kept, {})[0].send(200, "late");
    CHECK(answered(server, busy, "late"));
}

TEST_CASE("who has nothing to write is not called again and again, and not forgotten either") {
    int calls = 0;
    std::optional<Response> kept;
    std::function<void(Response&)> writable = [&](Response& response) {
        ++calls;
        response.on_writable(writable);
    };
    SocketServer server([&](Request&, Response response) {
        response.start(200);
        response.on_writable(writable);
        kept = response;
    });
    Peer client = server.connect(GENERATE(SocketKind::tcp, SocketKind::unix_stream));
    client.send(get("/"));
    REQUIRE(server.until([&] { return calls > 0; }));
    CHECK(server.sleeps());
    CHECK(calls <= 3);
    for (int i = 0; i < 3; ++i) {
        const int before = calls;
        // Also where all of it leaves at once.
        kept->write(std::string(i == 1 ? 20'000 : 100, 'x'));
        CHECK(server.until([&] { return calls > before; }));
        CHECK(server.sleeps());
        CHECK(calls <= before + 3);
    }
    // A producer that writes in each call goes on as long as it does.
    int left = 100;
    writable = [&](Response& response) {
        if (left-- == 0) return void(response.end());
        response.write(std::string(left % 2 == 0 ? 20'000 : 10, 'x'));
        response.on_writable(writable);
    };
    kept->on_writable(writable);
    CHECK(server.until([&] {
        client.read();
        return left < 0;
    }));
    kept.reset();
}

namespace {

// Writes as much as it may for as long as it is asked to.
void stream(Response& response) {
    while (response.write(std::string(32 * 1024, 's'))) continue;
    response.on_writable(stream);
}

void large_or_stream(Request& request, Response response) {
    if (request.path() == "/") return response.send(200, "hello"), void();
    if (request.path() == "/large") return response.send(200, std::string(3'000'000, 'x')), void();
    response.start(200);
    stream(response);
}

}  // namespace

TEST_CASE("clients that read nothing cost those nothing that read, however much they ask for") {
    sup::http::Options options;
    options.output_budget = 4'000'000;
    int cut = 0;
    options.on_finished = [&](const sup::http::Finished& finished) {
        if (finished.target == "/large") CHECK(finished.how == sup::http::End::cut);
        ++cut;
    };
    SocketServer server(large_or_stream, options);
    std::vector<Peer> steady;
    for (int i = 0; i < 5; ++i) {
        steady.push_back(server.connect(i % 2 == 0 ? SocketKind::tcp : SocketKind::unix_stream));
        steady.back().send(get("/stream"));
    }
    const auto read_on = [&] {
        for (Peer& one : steady) one.read(4'000);
    };
    for (int i = 0; i < 20; ++i) {
        server.turn();
        read_on();
    }
    const CapturedLog log;
    std::vector<Peer> greedy;
    for (int i = 0; i < 8; ++i) {
        greedy.push_back(server.connect(SocketKind::tcp));
        greedy.back().send(get("/large"));
    }
    Peer modest = server.connect(SocketKind::tcp);
    modest.send(get("/"));
    CHECK(server.until([&] {
        read_on();
        modest.read();
        return modest.received().find("hello") != std::string::npos && cut >= 6 &&
               server.waiting_bytes() <= options.output_budget;
    }));
    const std::size_t before = steady[0].received().size();
    CHECK(server.until([&] {
        read_on();
        return steady[0].received().size() > before + 300'000;
    }));
    for (Peer& one : steady) CHECK_FALSE(one.ended());
    CHECK(log.text().find("those that hold most of it are cut") != std::string::npos);
}

TEST_CASE(
    "an answer far above the budget arrives where its client reads, and while it waits the loop sleeps") {
    sup::http::Options options;
    options.output_budget = 500'000;
    SocketServer server(large_or_stream, options);
    Peer client = server.connect(GENERATE(SocketKind::tcp, SocketKind::unix_stream));
    client.send(get("/large"));
    server.turn();
    REQUIRE(server.waiting_bytes() > 2 * options.output_budget);
    Peer other = server.connect(SocketKind::tcp);
    other.send(get("/"));
    // One alone makes nobody wait.
    CHECK(answered(server, other, "hello"));
    CHECK(server.wakes_in(100ms) < 12);
    CHECK(server.until([&] {
        client.read(100'000);
        return client.received().size() > 3'000'000;
    }));
    CHECK(server.sleeps());
}

TEST_CASE("the servers of a worker share what answers may take") {
    SocketServer one(large_or_stream);
    sup::http::Options options;
    options.output_budget = 1'000'000;
    const auto other = std::make_shared<sup::http::ServerCore>(one.worker(), large_or_stream, options);
    Peer greedy = one.connect(SocketKind::unix_stream);
    Peer second = one.connect(SocketKind::unix_stream);
    greedy.send(get("/large"));
    second.send(get("/large"));
    one.turn();
    REQUIRE(one.waiting_bytes() > 5'000'000);
    CHECK(other->context().output_budget.far_over());
    SocketEnds ends = sup::test::connected(SocketKind::tcp);
    const std::string listener = "http";
    other->take(std::move(ends.server), {.listener = listener, .from = sup::worker::From::listener});
    Peer client(std::move(ends.client));
    client.send(get("/"));
    CHECK(one.wakes_in(50ms) < 12);
    client.read();
    CHECK(client.received().empty());
    greedy.close();
    CHECK(answered(one, client, "hello"));
    other->end();
    one.turn();
}
