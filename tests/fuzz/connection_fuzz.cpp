// The life of connections on real sockets: whatever their clients, their handlers, the time and a drain do,
// in whatever order, each ends, the loop sleeps in between, and nothing is left of them.
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/require.h"
#include "tests/unit/worker/served_socket.h"

namespace {

using namespace std::chrono_literals;
using sup::http::Request;
using sup::http::Response;
using sup::test::Peer;
using sup::test::SocketKind;
using sup::test::SocketServer;

constexpr std::string_view pieces[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /much HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET /stream HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "HEAD /much HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n",
    "01234",
    "5\r\n01234\r\n",
    "0\r\n\r\n",
    "\r\n",
    "\r",
    "GET / HT",
    "NONSENSE\r\n\r\n",
};

// Gets its input byte by byte; zeros when it is used up.
class Script {
public:
    Script(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
    bool over() const { return left_ == 0; }
    unsigned next(unsigned below) {
        if (left_ == 0) return 0;
        --left_;
        return *data_++ % below;
    }

private:
    const std::uint8_t* data_;
    std::size_t left_;
};

class Handlers {
public:
    void operator()(Request& request, Response response) {
        const std::string_view path = request.path();
        if (path == "/wait") {
            if (request.has_body()) request.read_body(100, [](std::string_view, bool, Response&) {});
            kept_.push_back(std::move(response));
        } else if (request.has_body() && path != "/ignore") {
            request.read_body(100, [](std::string_view, bool last, Response& out) {
                if (last) out.send(200, "read");
            });
        } else if (path == "/much") {
            response.send(200, std::string(300'000, 'x'));
        } else if (path == "/stream") {
            response.start(200);
            stream(response);
        } else {
            response.send(200, "hello");
        }
    }

    // In its place in the list: no handler, which adds to that, is called meanwhile.
    void act(Script& script) {
        if (kept_.empty()) return;
        const auto which = kept_.begin() + script.next(static_cast<unsigned>(kept_.size()));
        Response& one = *which;
        switch (script.next(8)) {
            case 0: one.send(200, "late"); break;
            case 1: one.start(200); break;
            case 2: one.write("piece"); break;
            case 3: one.write(std::string(100'000, 'x')); break;
            case 4: one.end(); break;
            case 5: one.abort(); break;
            case 6: one.pause_body(); break;
            case 7: one.resume_body(); break;
        }
        if (script.next(2) == 0) kept_.erase(which);
    }
    void drop_all() { kept_.clear(); }

private:
    static void stream(Response& response) {
        while (response.open() && response.write("0123456789")) continue;
        response.on_writable(stream);
    }

    std::vector<Response> kept_;
};

// Some of the times may be 0.
sup::http::Options impatient(unsigned unlimited) {
    sup::http::Options options;
    options.output_high_water = 4096;
    options.output_budget = 500'000;
    options.header_timeout = 10ms;
    options.stall_timeout = 15ms;
    options.idle_timeout = 12ms;
    options.linger_timeout = 5ms;
    if ((unlimited & 1) != 0) options.header_timeout = 0ms;
    if ((unlimited & 2) != 0) options.stall_timeout = 0ms;
    if ((unlimited & 4) != 0) options.idle_timeout = 0ms;
    if ((unlimited & 8) != 0) options.linger_timeout = 0ms;
    return options;
}

class Scene {
public:
    explicit Scene(Script script)
        : script_(script), server_(std::ref(handlers_), impatient(script_.next(32))) {}

    void run() {
        for (int i = 0; i < 60 && !script_.over(); ++i) step();
        require(server_.sleeps(), "the loop sleeps");
        clients_.clear();
        handlers_.drop_all();
        require(server_.until([&] { return server_.empty(); }), "every connection ends");
        handlers_.drop_all();  // of requests that waited behind those; no answer outlives the worker
        require(server_.waiting_bytes() == 0, "no answer is left in memory");
        require(server_.sleeps(), "the loop sleeps when all have gone");
    }

private:
    Peer* some_client() {
        if (clients_.empty()) return nullptr;
        return &clients_[script_.next(static_cast<unsigned>(clients_.size()))];
    }

    void step() {
        const unsigned what = script_.next(16);
        if (what < 3 && clients_.size() < 4) {
            clients_.push_back(
                server_.connect(script_.next(2) == 0 ? SocketKind::tcp : SocketKind::unix_stream));
        }
        Peer* client = some_client();
        switch (what) {
            case 3:
            case 4:
            case 5:
                if (client != nullptr) client->send(pieces[script_.next(std::size(pieces))]);
                break;
            case 6:
                if (client != nullptr) client->read(1UL << script_.next(20));
                break;
            case 7:
                if (client != nullptr) client->end_sending();
                break;
            case 8:
                if (client != nullptr) go(*client, script_.next(3));
                break;
            case 9:
            case 10: handlers_.act(script_); break;
            case 11: server_.wakes_in(std::chrono::milliseconds(script_.next(16))); break;
            case 12: drain(); break;
            case 13: server_.server().make_room(1); break;
            case 14: require(server_.sleeps(), "the loop sleeps"); break;
            default: break;
        }
        if (script_.next(3) != 0) server_.turn();
    }

    static void go(Peer& client, unsigned how) {
        const linger at_once{1, 0};
        sockaddr nowhere{};
        nowhere.sa_family = AF_UNSPEC;
        if (how == 1) ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (how == 2) {
            ::connect(client.fd(), &nowhere, sizeof nowhere);
        } else {
            client.close();
        }
    }

    // The phases of one, in their order.
    void drain() {
        switch (drained_++) {
            case 0: server_.server().drain(); break;
            case 1: server_.server().hand_over(); break;
            case 2: server_.server().close_idle(); break;
            case 3: server_.server().close_all(5ms); break;
            default: break;
        }
    }

    Script script_;
    Handlers handlers_;
    SocketServer server_;
    std::vector<Peer> clients_;
    int drained_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool warm = [] {
        const SocketServer first(Handlers{});  // libuv keeps some descriptors for the process
        return true;
    }();
    const std::size_t descriptors = sup::test::open_descriptors();
    Scene(Script(data, size)).run();
    require(warm && sup::test::open_descriptors() == descriptors, "no descriptor is left");
    return 0;
}
