// Which requests become another protocol's connection. How it changes hands: connection_upgrade_test.cpp.
#include <sys/socket.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include "sup/connections.h"
#include "sup/http/server.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/wire.h"

using sup::http::Request;
using sup::http::Response;
using sup::test::Client;
using sup::test::contains;
using sup::test::get;

namespace {

// Upgrades what asks for "echo/1", and answers 426 to all else.
class Upgrading {
public:
    Upgrading() : thread_([this] { worker_.run(); }) {}
    ~Upgrading() {
        worker_.drain();
        thread_.join();
        CHECK_FALSE(upgraded_late_);
    }
    std::string address() const { return worker_.listeners().at(0).address; }

private:
    static sup::worker::Options alone() {
        sup::worker::Options options;
        options.listen = {"127.0.0.1:0"};
        options.handle_signals = false;
        return options;
    }
    // Says what it was given, and ends.
    static void arrived(sup::worker::Connection connection) {
        const std::string text = "[" + connection.listener() + "|" + connection.take_state() + "|" +
                                 connection.take_unread() + "]";
        ::send(connection.socket(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    void handle(const Request& request, Response& response) {
        if (request.path() == "/late") {
            response.send(200, "first");
            if (response.upgrade("echo/1", echo_)) upgraded_late_ = true;
            return;
        }
        response.header("X-Key", "1");
        if (!response.upgrade("echo/1", echo_, "state")) response.send(426, "");
    }

    sup::worker::Worker worker_{alone()};
    sup::worker::Connections echo_{
        worker_, {"echo/1"}, {.arrived = arrived}, sup::worker::ListenerChoice::none()};
    sup::http::Server server_{worker_,
                              [this](Request& request, Response response) { handle(request, response); }};
    std::atomic<bool> upgraded_late_ = false;
    std::thread thread_;
};

}  // namespace

TEST_CASE("a request that asks for it becomes another protocol's connection, with all that goes with it") {
    Upgrading server;
    const std::string headers = GENERATE("Connection: Upgrade\r\nUpgrade: echo/1\r\n",
                                         "connection: keep-alive, UPGRADE\r\nupgrade: h2c, Echo/1\r\n",
                                         "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: echo/1\r\n");
    Client client(server.address());
    client.send(get("/first"));
    CHECK(client.receive().status == 426);
    client.send(get("/", headers) + "more");
    const auto all = client.receive_to_end();
    REQUIRE(all);
    CHECK(contains(*all, "HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(contains(*all, "Connection: Upgrade\r\nUpgrade: echo/1\r\n"));
    CHECK(contains(*all, "X-Key: 1\r\n"));
    CHECK_FALSE(contains(*all, "Content-Length"));
    CHECK(all->substr(all->find("\r\n\r\n") + 4) == "[listen0|state|more]");
}

TEST_CASE("a request that does not ask for that protocol is answered in HTTP") {
    Upgrading server;
    const std::string request =
        GENERATE(get("/"), get("/", "Upgrade: echo/1\r\n"), get("/", "Connection: Upgrade\r\n"),
                 get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n"),
                 get("/", "Connection: Upgrade\r\nUpgrade: other\r\n"),
                 std::string("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n"),
                 std::string("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n"
                             "Content-Length: 3\r\n\r\nabc"));
    CAPTURE(request);
    Client client(server.address());
    client.send(request);
    CHECK(client.receive().status == 426);
}

TEST_CASE("an answer that was sent is not followed by an upgrade") {
    Upgrading server;
    Client client(server.address());
    client.send(get("/late", "Connection: Upgrade\r\nUpgrade: echo/1\r\n"));
    CHECK(client.receive().body == "first");
    client.send(get("/"));
    CHECK(client.receive().status == 426);
}
