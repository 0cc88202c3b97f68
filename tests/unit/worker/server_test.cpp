// The HTTP server on real sockets.
#include "sup/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <atomic>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/uv.h"
#include "tests/catch.h"
#include "tests/sanitized.h"
#include "tests/unit/worker/bodies.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/resident.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::http::Request;
using sup::http::Response;
using sup::test::Answer;
using sup::test::Client;
using sup::test::eventually;
using sup::test::get;
using sup::test::RunningServer;

namespace {

void tell_target(Request& request, Response response) {
    response.send(200, request.target());
}

void echo(Request& request, Response response) {
    request.read_body(1ULL << 30, [](std::string_view piece, bool last, Response& out) {
        if (last) {
            out.end();
            return;
        }
        out.write(piece);
    });
    response.start(200, request.content_length());
}

void reset_connection(Client client) {
    const linger at_once{1, 0};
    ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// Answers what is not "/wait", and tells of what becomes of the others, which it keeps.
struct Patient {
    void operator()(Request& request, Response response) {
        if (request.path() != "/wait") {
            response.send(200, request.target());
            return;
        }
        response.on_gone([this] { ++gone; });
        response.on_half_closed([this](Response&) { ++half_closed; });
        kept.push_back(std::move(response));
    }
    std::vector<Response> kept;
    std::atomic<int> gone = 0;
    std::atomic<int> half_closed = 0;
};

// This process is client and server, so under AddressSanitizer its size tells nothing.
constexpr std::size_t kept_by_allocator = sup::test::sanitized ? 1024UL * 1024 : 0;

}  // namespace

TEST_CASE("many requests on one connection, one after the other and pipelined") {
    RunningServer running(tell_target);
    Client client(running.address());
    for (int i = 0; i < 100; ++i) {
        client.send(get("/" + std::to_string(i)));
        CHECK(client.receive().body == "/" + std::to_string(i));
    }
    std::string many;
    for (int i = 0; i < 5000; ++i) many += get("/" + std::to_string(i));
    std::thread sender([&] { client.send(many); });
    int wrong = 0;
    for (int i = 0; i < 5000; ++i) wrong += client.receive().body != "/" + std::to_string(i);
    sender.join();
    CHECK(wrong == 0);
}

TEST_CASE("a request cut at any position into two packets is answered") {
    RunningServer running(echo);
    const std::string bytes = sup::test::post_head(5) + "hello";
    for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
        Client client(running.address());
        const int on = 1;
        ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        client.send(bytes.substr(0, cut));
        // The connection is served, so the first part is likely read alone; either way the answer is the
        // same.
        std::this_thread::yield();
        client.send(bytes.substr(cut));
        CAPTURE(cut);
        CHECK(client.receive().body == "hello");
    }
}

TEST_CASE("a client that shuts down its side after its request gets the whole answer, and then the end") {
    RunningServer running(
        [](Request&, Response response) { response.send(200, std::string(4'000'000, 'x')); });
    Client client(running.address());
    client.send(get("/"));
    client.end_sending();
    CHECK(client.receive().body.size() == 4'000'000);
    CHECK(client.ended_in_order());
    CHECK(eventually([&] { return running.connections() == 0; }));
}

TEST_CASE("64 MiB are echoed in chunks and by length without being held in memory") {
    RunningServer running(echo);
    constexpr std::size_t total = 64ULL * 1024 * 1024;
    constexpr std::size_t part = 1024 * 1024;
    const bool chunked = GENERATE(false, true);
    CAPTURE(chunked);
    Client client(running.address());
    const std::size_t before = sup::test::resident_kib();
    std::thread sender([&] {
        client.send(chunked ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            : sup::test::post_head(total));
        for (std::size_t sent = 0; sent < total; sent += part) {
            if (chunked) client.send("100000\r\n");
            client.send(sup::test::pattern(sent, part));
            if (chunked) client.send("\r\n");
        }
        if (chunked) client.send("0\r\n\r\n");
    });
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) head += client.receive_bytes(1);
    std::size_t received = 0;
    bool same = true;
    while (same && received < total) {
        std::size_t size = part;
        if (chunked) {
            std::string line;
            while (line.find("\r\n") == std::string::npos) line += client.receive_bytes(1);
            size = std::stoul(line, nullptr, 16);
        }
        same = size > 0 && client.receive_bytes(size) == sup::test::pattern(received, size);
        received += size;
        if (chunked) same = same && client.receive_bytes(2) == "\r\n";
    }
    sender.join();
    CHECK(same);
    CHECK(received == total);
    // Client and server live in this process; whole buffering would cost 64 MiB and more.
    CHECK(sup::test::resident_kib() < before + 24 * 1024 + kept_by_allocator);
}

TEST_CASE("a client that sends and does not read is held back, and the server's memory with it") {
    RunningServer running(echo);
    Client client(running.address());
    client.send(sup::test::post_head(1ULL << 30));
    const std::string part(64 * 1024, 'x');
    const std::size_t before = sup::test::resident_kib();
    std::size_t sent = 0;
    // Until the server takes nothing for a while: its and our kernel buffers are full.
    int refused = 0;
    while (refused < 40 && sent < (1ULL << 29)) {
        const std::size_t count = client.try_send(part);
        sent += count;
        refused = count == 0 ? refused + 1 : 0;
        if (count == 0) sup::test::pause_briefly();
    }
    CHECK(sent < (1ULL << 29));
    CHECK(sup::test::resident_kib() < before + 8 * 1024 + kept_by_allocator);
    // Others are served meanwhile.
    CHECK(sup::test::request(running.address(), sup::test::post_head(2) + "hi").body == "hi");
}

TEST_CASE("a client that asks for much and reads nothing costs a bounded amount of memory") {
    std::atomic<std::size_t> written = 0;
    struct Source {
        std::atomic<std::size_t>& written;
        void fill(Response& response) const {
            const std::string part(16 * 1024, 'x');
            while (response.open()) {
                written += part.size();
                if (!response.write(part))
                    return response.on_writable([source = *this](Response& again) { source.fill(again); });
            }
        }
    };
    RunningServer running([&](Request&, Response response) {
        response.start(200);
        Source{written}.fill(response);
    });
    auto client = std::make_unique<Client>(running.address());
    client->send(get("/"));
    REQUIRE(client->receive_bytes(1) == "H");
    std::size_t last = 0;
    // Written no more: blocked. (The kernel's buffers grow to a few MiB on the way.)
    CHECK(eventually([&] {
        for (int i = 0; i < 20; ++i) sup::test::pause_briefly();
        return std::exchange(last, written) == written;
    }));
    CHECK(written < 64U * 1024 * 1024);
    // It goes on when the client reads,
    client->receive_bytes(written / 2);
    CHECK(eventually([&] { return written > last; }));
    // and ends when the client goes.
    client.reset();
    CHECK(eventually([&] { return running.connections() == 0; }));
}

TEST_CASE("HEAD, HTTP/1.0 and Connection: close on a real connection") {
    RunningServer running(tell_target);
    Client client(running.address());
    client.send("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b", "Connection: close\r\n"));
    CHECK(client.receive(true).head.find("Content-Length: 4\r\n") != std::string::npos);
    const Answer last = client.receive();
    CHECK(last.body == "/b");
    CHECK(last.says_close());
    CHECK(client.ended_in_order());
    Client old(running.address());
    old.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(old.receive().says_close());
    CHECK(old.ended_in_order());
}

TEST_CASE("100 Continue comes before the body is sent") {
    RunningServer running(echo);
    Client client(running.address());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(client.receive().status == 100);
    client.send("hi");
    CHECK(client.receive().body == "hi");
}

TEST_CASE("a refusal arrives whole although the client goes on sending") {
    RunningServer running(tell_target);
    Client client(running.address());
    client.send("NONSENSE\r\n\r\n");
    client.send(std::string(200'000, 'x'));
    const auto all = client.receive_to_end();
    REQUIRE(all);
    CHECK(all->find("HTTP/1.1 400 Bad Request\r\n") == 0);
}

TEST_CASE("a late refusal arrives whole, with all that the kernels hold of the upload on its way") {
    std::atomic<bool> full = false;
    RunningServer running([&](Request&, Response response) {
        while (!full) sup::test::pause_briefly();
        response.send(403, "no");
    });
    Client client(running.address());
    client.send(sup::test::post_head(1ULL << 30));
    const std::string piece(64 * 1024UL, 'x');
    std::size_t sent = 0;
    for (int refused = 0; refused < 20;) {
        const std::size_t taken = client.try_send(piece);
        sent += taken;
        if (taken > 0) continue;
        ++refused;
        sup::test::pause_briefly();
    }
    CAPTURE(sent);
    full = true;
    const auto all = client.receive_to_end();
    REQUIRE(all);
    CHECK(all->find("HTTP/1.1 403 Forbidden\r\n") == 0);
}

// Goes on uploading for `length` after its refusal, and tells whether that arrived; nothing when this process
// was itself too slow for that to tell anything.
std::optional<bool> refused_while_uploading(const std::string& address, std::chrono::milliseconds length,
                                            std::chrono::milliseconds longest_pause) {
    const std::string piece(64 * 1024UL, 'x');
    Client client(address);
    client.send(sup::test::post_head(1ULL << 30));
    const auto begin = std::chrono::steady_clock::now();
    for (auto last = begin; last - begin < length;) {
        std::this_thread::sleep_for(10ms);
        for (std::size_t sent = 0; sent < piece.size();) {
            const ssize_t count = ::send(client.fd(), piece.data() + sent, piece.size() - sent, MSG_NOSIGNAL);
            if (count < 0) return false;
            sent += static_cast<std::size_t>(count);
        }
        const auto now = std::chrono::steady_clock::now();
        if (now - last > longest_pause) return std::nullopt;
        last = now;
    }
    client.end_sending();
    const auto all = client.receive_to_end();
    return all && all->find("HTTP/1.1 403 Forbidden\r\n") == 0;
}

TEST_CASE("a refusal arrives however long the upload goes on, within bounds") {
    sup::http::Options options;
    options.linger_timeout = 300ms;
    RunningServer running([](Request&, Response response) { response.send(403, "no"); }, options);
    std::optional<bool> arrived;
    for (int i = 0; i < 20 && !arrived; ++i)
        arrived = refused_while_uploading(running.address(), 700ms, 150ms);
    CHECK(arrived == true);
}

TEST_CASE("a connection on which nothing ever comes is ended in order") {
    sup::http::Options options;
    options.header_timeout = 50ms;
    RunningServer running(tell_target, options);
    Client silent(running.address());
    CHECK(silent.ended_in_order());
}

TEST_CASE("slow heads get a 408, slow bodies too, and idle connections are left alone") {
    sup::http::Options options;
    options.header_timeout = 50ms;
    options.stall_timeout = 50ms;
    RunningServer running(
        [](Request& request, Response response) {
            if (!request.has_body()) {
                response.send(200, "");
                return;
            }
            request.read_body(100, [](std::string_view, bool last, Response& out) {
                if (last) out.send(200, "");
            });
        },
        options);
    Client kept(running.address());
    kept.send(get("/"));
    CHECK(kept.receive().status == 200);
    Client slow_head(running.address());
    slow_head.send("GET / HTTP/1.1\r\n");
    Client slow_body(running.address());
    slow_body.send(sup::test::post_head(10) + "abc");
    CHECK(slow_head.receive().status == 408);
    CHECK(slow_head.ended_in_order());
    CHECK(slow_body.receive().status == 408);
    CHECK(slow_body.ended_in_order());
    // It has been idle for longer than the others were given.
    kept.send(get("/"));
    CHECK(kept.receive().status == 200);
}

TEST_CASE("an idle timeout, where one is set, ends idle connections in order") {
    sup::http::Options options;
    options.idle_timeout = 50ms;
    RunningServer running(tell_target, options);
    Client fresh(running.address());
    Client kept(running.address());
    kept.send(get("/"));
    CHECK(kept.receive().status == 200);
    CHECK(fresh.ended_in_order());
    CHECK(kept.ended_in_order());
}

TEST_CASE(
    "a client that resets while its answer is made: the handler hears of it, and answering later does no "
    "harm") {
    std::atomic<bool> answered = false;
    std::atomic<int> gone = 0;
    std::vector<sup::uv::Timer> timers(1);
    {
        std::atomic<RunningServer*> server = nullptr;
        RunningServer running([&](Request&, Response response) {
            response.on_gone([&] { ++gone; });
            timers[0] = sup::uv::Timer(server.load()->worker().loop(), [&answered, response]() mutable {
                response.send(200, "late");
                answered = true;
            });
            timers[0].arm(200ms);
        });
        server = &running;
        {
            Client client(running.address());
            client.send(get("/"));
            CHECK(eventually([&] { return running.requests() == 1; }));
            const linger at_once{1, 0};
            ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        }
        CHECK(eventually([&] { return answered.load(); }));
        CHECK(eventually([&] { return running.connections() == 0; }));
        CHECK(gone == 1);
        running.exit_code();
        timers.clear();
    }
}

TEST_CASE("an answer that only the connection's end completes is reset, and not ended, when it is cut") {
    sup::http::Options options;
    sup::worker::Options life;
    const bool stalls = GENERATE(true, false);
    (stalls ? options.stall_timeout : life.drain_timeout) = 200ms;
    std::atomic<bool> written = false;
    RunningServer running(
        [&](Request&, Response response) {
            response.start(200);
            response.write(std::string(20'000'000, 'x'));
            response.end();
            written = true;
        },
        options, life);
    Client client(running.address());
    client.send("GET / HTTP/1.0\r\n\r\n");
    REQUIRE(eventually([&] { return written.load(); }));
    if (!stalls) running.drain();
    CHECK(eventually([&] { return running.connections() == 0; }));
    CHECK(client.was_reset());
    CHECK(running.exit_code() == 0);
}

TEST_CASE("a client that goes while nothing is read from it is noticed at once") {
    Patient patient;
    RunningServer running(
        [&](Request& request, Response response) { patient(request, std::move(response)); });
    SECTION("after it has ended its side") {
        Client client(running.address());
        client.send(get("/wait"));
        client.end_sending();
        CHECK(eventually([&] { return patient.half_closed == 1; }));
        CHECK(patient.gone == 0);
        reset_connection(std::move(client));
    }
    SECTION("with so many requests behind it that no more are taken") {
        Client client(running.address());
        client.send(get("/wait"));
        std::string more;
        while (more.size() < 1'000'000) more += get("/");
        while (client.try_send(more) > 0) sup::test::pause_briefly();
        reset_connection(std::move(client));
    }
    CHECK(eventually([&] { return patient.gone == 1; }));
    CHECK(eventually([&] { return running.connections() == 0; }));
    CHECK(running.unanswered() == 1);
    CHECK(running.exit_code() == 0);
}

TEST_CASE("a client that ended its side and waits for its answer costs no turn of the loop") {
    std::atomic<int> turns = 0;
    uv_check_t check;
    std::optional<Response> waiting;
    std::atomic<bool> ended = false;
    std::atomic<RunningServer*> server = nullptr;
    RunningServer running([&](Request& request, Response response) {
        if (request.path() == "/answer") waiting->send(200, "patience");
        if (request.path() != "/wait") {
            response.send(200, "");
            return;
        }
        uv_check_init(server.load()->worker().loop(), &check);
        check.data = &turns;
        uv_check_start(&check, [](uv_check_t* handle) { ++*static_cast<std::atomic<int>*>(handle->data); });
        response.on_half_closed([&](Response&) { ended = true; });
        waiting = response;
    });
    server = &running;
    Client half_closed(running.address());
    half_closed.send(get("/wait"));
    half_closed.end_sending();
    CHECK(eventually([&] { return ended.load(); }));
    const int before = turns;
    Client other(running.address());
    for (int i = 0; i < 200; ++i) {
        other.send(get("/"));
        other.receive();
    }
    CHECK(turns - before < 600);
    other.send(get("/answer"));
    CHECK(half_closed.receive().body == "patience");
    CHECK(half_closed.ended_in_order());
    running.exit_code();
    uv_close(reinterpret_cast<uv_handle_t*>(&check), nullptr);
    waiting.reset();
}

TEST_CASE("an answer is not lost to what its client sent after asking for the end") {
    std::atomic<bool> more_came = false;
    std::atomic<int> begun = 0;
    RunningServer running([&](Request&, Response response) {
        ++begun;
        while (!more_came) sup::test::pause_briefly();
        response.send(200, std::string(100'000, 'x'));
    });
    for (int i = 0; i < 20; ++i) {
        more_came = false;
        Client client(running.address());
        const int on = 1;
        ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        client.send(get("/", "Connection: close\r\n"));
        CHECK(eventually([&] { return begun == i + 1; }));
        client.send("\r\n");
        more_came = true;
        const auto all = client.receive_to_end();
        REQUIRE(all);
        CHECK(all->size() > 100'000);
    }
}

// How many of these heads, each sent with the end of the one before, were answered; nothing when this process
// was itself too slow for that to tell anything.
std::optional<int> send_overlapping_heads(const std::string& address, std::chrono::milliseconds pause,
                                          int count) {
    const std::string head = get("/");
    Client client(address);
    client.send(head.substr(0, 10));
    auto last = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
        std::this_thread::sleep_for(pause);
        client.send(head.substr(10) + head.substr(0, 10));
        const Answer answered = client.receive();
        const auto now = std::chrono::steady_clock::now();
        if (now - last > 4 * pause) return std::nullopt;
        last = now;
        if (answered.status != 200) return i;
    }
    return count;
}

TEST_CASE("each head has its own time, also when it begins in the packet that ends the one before") {
    sup::http::Options options;
    options.header_timeout = 400ms;
    RunningServer running(tell_target, options);
    std::optional<int> answered;
    for (int i = 0; i < 20 && !answered; ++i) answered = send_overlapping_heads(running.address(), 50ms, 16);
    CHECK(answered == 16);
}

TEST_CASE("answers from a timer, with the next request already waiting") {
    std::vector<std::unique_ptr<sup::uv::Timer>> timers;
    std::atomic<RunningServer*> server = nullptr;
    RunningServer running([&](Request& request, Response response) {
        const std::string target(request.target());
        timers.push_back(std::make_unique<sup::uv::Timer>(
            server.load()->worker().loop(), [response, target]() mutable { response.send(200, target); }));
        timers.back()->arm(1ms);
    });
    server = &running;
    Client client(running.address());
    std::string requests;
    for (int i = 0; i < 20; ++i) requests += get("/" + std::to_string(i));
    client.send(requests);
    for (int i = 0; i < 20; ++i) CHECK(client.receive().body == "/" + std::to_string(i));
    running.exit_code();
    timers.clear();
}

TEST_CASE("a thousand connections come and go, and none is left") {
    RunningServer running(tell_target);
    for (int round = 0; round < 10; ++round) {
        std::vector<std::unique_ptr<Client>> clients;
        for (int i = 0; i < 100; ++i) {
            clients.push_back(std::make_unique<Client>(running.address()));
            clients.back()->send(get("/x"));
        }
        for (const auto& client : clients) CHECK(client->receive().body == "/x");
    }
    CHECK(eventually([&] { return running.connections() == 0; }));
    CHECK(running.exit_code() == 0);
}

TEST_CASE("two servers share a worker's listeners by name") {
    sup::worker::Worker worker({.listen = {"127.0.0.1:0", "127.0.0.1:0"}, .handle_signals = false});
    sup::http::Server first(worker, [](Request&, Response response) { response.send(200, "first"); },
                            {.listeners = {"listen0"}});
    sup::http::Server second(worker, [](Request&, Response response) { response.send(200, "second"); },
                             {.listeners = {"listen1"}});
    auto exit_code = std::async(std::launch::async, [&] { return worker.run(); });
    CHECK(sup::test::request(worker.listeners()[0].address, get("/")).body == "first");
    CHECK(sup::test::request(worker.listeners()[1].address, get("/")).body == "second");
    worker.drain();
    CHECK(exit_code.get() == 0);
}

TEST_CASE("a worker that cannot listen, or has nothing to serve, says so") {
    RunningServer running(tell_target);
    sup::worker::Worker twice({.listen = {running.address()}, .handle_signals = false});
    sup::http::Server server(twice, tell_target);
    CHECK(twice.run() == 1);
    sup::worker::Worker nowhere({.listen = {}, .handle_signals = false});
    sup::http::Server idle(nowhere, tell_target);
    CHECK(nowhere.run() == 1);
    sup::worker::Worker misnamed({.listen = {"127.0.0.1:0"}, .handle_signals = false});
    sup::http::Server other(misnamed, tell_target, {.listeners = {"nobody"}});
    CHECK(misnamed.run() == 1);
}
