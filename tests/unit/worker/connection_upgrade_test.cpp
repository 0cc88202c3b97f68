// A connection that goes on with another protocol, in the same worker.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/served_socket.h"
#include "tests/unit/worker/wire.h"

using namespace std::chrono_literals;
using sup::UniqueFd;
using sup::http::Protocol;
using sup::http::Request;
using sup::http::Response;
using sup::test::get;
using sup::test::Peer;
using sup::test::SocketKind;
using sup::test::SocketServer;

namespace {

// Echoes all that comes, on the loop of the server that gave it the socket.
class Echoes {
public:
    void take(uv_loop_t* loop, UniqueFd socket, const std::string& listener, std::string unread) {
        listener_ = listener;
        socket_ = std::move(socket);
        ++taken_;
        send(unread);
        auto poll = sup::uv::Poll::create(loop, socket_.get(), [this](int, int) { read(); });
        REQUIRE(poll);
        poll_ = std::move(*poll);
        poll_.start(UV_READABLE);
    }
    void end() {
        poll_ = {};
        socket_.reset();
    }
    int taken() const { return taken_; }
    const std::string& listener() const { return listener_; }

private:
    void read() {
        std::array<char, 1000> space{};
        const ssize_t count = ::recv(socket_.get(), space.data(), space.size(), 0);
        if (count > 0) send({space.data(), static_cast<std::size_t>(count)});
        if (count == 0) end();
    }
    void send(std::string_view bytes) const {
        ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    UniqueFd socket_;
    sup::uv::Poll poll_;
    std::string listener_;
    int taken_ = 0;
};

// "/echo" is upgraded, at once or when the test says so; everything else is answered.
struct UpgradingSocket {
    void operator()(Request& request, Response response) {
        if (request.path() == "/later") {
            kept.push_back(std::move(response));
        } else if (request.path() == "/echo") {
            upgrade(response);
        } else {
            response.send(200, "hello");
        }
    }
    void upgrade(const Response& response) {
        Protocol* protocol = Protocol::of(response);
        upgraded = protocol != nullptr &&
                   protocol->upgrade(
                       "echo", [this](UniqueFd socket, const std::string& listener, std::string unread) {
                           echoes.take(server->loop(), std::move(socket), listener, std::move(unread));
                       });
    }
    SocketServer* server = nullptr;
    Echoes echoes;
    std::vector<Response> kept;
    bool upgraded = false;
};

bool received(SocketServer& server, Peer& client, const std::string& text) {
    return server.until([&] {
        client.read();
        return client.received().find(text) != std::string::npos;
    });
}

const std::string head = "Connection: Upgrade\r\nUpgrade: echo\r\n";

}  // namespace

TEST_CASE("an upgraded connection keeps its listener and every byte that came after the request") {
    const SocketKind kind = GENERATE(SocketKind::tcp, SocketKind::unix_stream);
    const bool at_once = GENERATE(true, false);
    UpgradingSocket handler;
    SocketServer server(std::ref(handler));
    handler.server = &server;
    Peer client = server.connect(kind);
    // Served before, and so watched.
    client.send(get("/"));
    REQUIRE(received(server, client, "hello"));
    client.send(get(at_once ? "/echo" : "/later", head) + "first ");
    if (!at_once) {
        REQUIRE(server.until([&] { return handler.kept.size() == 1; }));
        client.send("second ");
        REQUIRE(server.sleeps());
        handler.upgrade(handler.kept[0]);
        CHECK_FALSE(handler.kept[0].open());
        handler.kept.clear();
    }
    REQUIRE(received(server, client, "\r\n\r\nfirst "));
    CHECK(client.received().find("HTTP/1.1 101 Switching Protocols\r\n") != std::string::npos);
    CHECK(handler.echoes.taken() == 1);
    CHECK(handler.echoes.listener() == "http");
    // It is no connection of the server's any more, and no unanswered request.
    CHECK(server.empty());
    CHECK(server.server().context().unanswered == 0);
    if (!at_once) CHECK(received(server, client, "first second "));
    client.send("third");
    CHECK(received(server, client, "third"));
    CHECK(server.sleeps());
    client.send("fourth");
    CHECK(received(server, client, "fourth"));
    client.close();
    CHECK(server.until([&] { return server.sleeps(); }));
    handler.echoes.end();
}

TEST_CASE("a client that goes before its upgrade is nobody else's") {
    UpgradingSocket handler;
    SocketServer server(std::ref(handler));
    handler.server = &server;
    Peer client = server.connect(SocketKind::unix_stream);
    client.send(get("/later", head));
    REQUIRE(server.until([&] { return handler.kept.size() == 1; }));
    client.close();
    REQUIRE(server.until([&] { return server.empty(); }));
    handler.upgrade(handler.kept[0]);
    CHECK_FALSE(handler.upgraded);
    CHECK(handler.echoes.taken() == 0);
}

TEST_CASE("an upgraded connection is not idle: a drain and a want of room leave it alone") {
    UpgradingSocket handler;
    SocketServer server(std::ref(handler));
    handler.server = &server;
    Peer client = server.connect(SocketKind::tcp);
    client.send(get("/echo", head));
    REQUIRE(received(server, client, "101"));
    server.server().make_room(10);
    server.server().drain();
    server.server().close_idle();
    server.server().close_all(1ms);
    client.send("still here");
    CHECK(received(server, client, "still here"));
    handler.echoes.end();
}
