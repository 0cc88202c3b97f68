// So many connections as may be open at a time, and what becomes of those who come after them.
#include <sys/socket.h>

#include <atomic>
#include <ctime>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

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
using sup::test::eventually;
using sup::test::get;

namespace {

// "/wait" is answered when the test says so, "/detach" too, by a Reply; "/echo" becomes a connection of
// another protocol; everything else is answered at once.
class Limited {
public:
    explicit Limited(std::size_t limit, std::size_t listeners = 1)
        : worker_(options(limit, listeners)), thread_([this] { worker_.run(); }) {}
    ~Limited() {
        end_upgraded();
        worker_.drain();
        answer();
        thread_.join();
    }

    std::string address(std::size_t listener = 0) const { return worker_.listeners().at(listener).address; }
    std::size_t waiting() const { return waiting_; }
    std::size_t upgraded() const { return open_upgraded_; }
    // How many connections there are now, of all protocols.
    std::size_t open() {
        return in_loop([this] { return server_.connections() + upgraded_.open(); });
    }
    void drain() { worker_.drain(); }
    // The longest waiting request, or all of them.
    void answer_one() {
        in_loop([this] { return take_one(); });
    }
    void answer() {
        while (in_loop([this] { return take_one(); }) != 0) {
        }
    }
    void end_upgraded() {
        in_loop([this] {
            kept_.clear();
            return open_upgraded_ = 0;
        });
    }

private:
    static sup::worker::Options options(std::size_t limit, std::size_t listeners) {
        sup::worker::Options options;
        options.listen.assign(listeners, "127.0.0.1:0");
        options.handle_signals = false;
        options.max_connections = limit;
        return options;
    }
    void handle(const Request& request, Response response) {
        if (request.path() == "/wait") {
            asked_.emplace_back([response]() mutable { response.send(200, "at last"); });
            ++waiting_;
        } else if (request.path() == "/detach") {
            const auto reply = std::make_shared<sup::http::Reply>(std::move(response).detach());
            asked_.emplace_back([reply] { reply->send(200, "at last"); });
            ++waiting_;
        } else if (request.path() != "/echo" || !response.upgrade("echo/1", upgraded_)) {
            response.send(200, "hello");
        }
    }
    void arrived(sup::worker::Connection connection) {
        kept_.push_back(std::move(connection));
        ++open_upgraded_;
    }
    std::size_t take_one() {
        if (asked_.empty()) return 0;
        asked_.front()();
        asked_.pop_front();
        --waiting_;
        return 1;
    }
    // Zero once the loop has ended.
    template <typename Call>
    std::size_t in_loop(Call call) {
        std::atomic<bool> done = false;
        std::size_t result = 0;
        const bool posted = worker_.post([&] {
            result = call();
            done = true;
        });
        return posted && eventually([&] { return done.load(); }) ? result : 0;
    }

    sup::worker::Worker worker_;
    std::list<std::function<void()>> asked_;
    std::vector<sup::worker::Connection> kept_;
    std::atomic<std::size_t> waiting_ = 0;
    std::atomic<std::size_t> open_upgraded_ = 0;
    sup::worker::Connections upgraded_{
        worker_,
        {"echo/1"},
        {.arrived = [this](sup::worker::Connection connection) { arrived(std::move(connection)); }},
        sup::worker::ListenerChoice::none()};
    sup::http::Server server_{
        worker_, [this](Request& request, Response response) { handle(request, std::move(response)); }};
    std::thread thread_;
};

// Longer than any pause that the acceptor makes.
constexpr int some_time = 350;  // ms

bool is_left_waiting(Client& client) {
    return !client.has_bytes(some_time);
}

}  // namespace

TEST_CASE(
    "where all that may be open are busy the next one waits in the queue, and is served when one ends") {
    Limited server(2);
    const std::string path = GENERATE("/wait", "/detach");
    std::optional<Client> busy(server.address());
    Client other(server.address());
    busy->send(get(path));
    other.send(get(path));
    REQUIRE(eventually([&] { return server.waiting() == 2; }));
    Client third(server.address());
    third.send(get("/"));
    const std::clock_t before = std::clock();
    CHECK(is_left_waiting(third));
    CHECK(std::clock() - before < CLOCKS_PER_SEC / 10);  // and nobody spins meanwhile
    CHECK(server.open() == 2);
    busy.reset();
    server.answer_one();  // who has ended its side may still want its answer
    CHECK(third.receive().body == "hello");
    server.answer();
    CHECK(other.receive().body == "at last");
}

TEST_CASE("one that becomes idle ends for a newcomer that waits, with its whole answer") {
    Limited server(1);
    Client first(server.address());
    first.send(get("/wait"));
    REQUIRE(eventually([&] { return server.waiting() == 1; }));
    Client second(server.address());
    second.send(get("/"));
    CHECK(is_left_waiting(second));
    server.answer();
    CHECK(first.receive().body == "at last");
    CHECK(second.receive().body == "hello");
    CHECK(first.ended_in_order());
}

TEST_CASE("at the limit the longest idle goes for a newcomer, in order, and only that one") {
    Limited server(3);
    std::list<Client> idle;
    for (int i = 0; i < 3; ++i) {
        idle.emplace_back(server.address());
        idle.back().send(get("/"));
        REQUIRE(idle.back().receive().status == 200);
        sup::test::pause_briefly();
    }
    Client newcomer(server.address());
    newcomer.send(get("/"));
    CHECK(newcomer.receive().body == "hello");
    CHECK(idle.front().ended_in_order());
    idle.pop_front();
    for (Client& client : idle) {
        client.send(get("/"));
        CHECK(client.receive().body == "hello");
    }
    CHECK(server.open() == 3);
}

TEST_CASE("a hundred newcomers at a time are all served, in as many places as there are") {
    Limited server(GENERATE(1U, 2U, 7U));
    std::list<Client> clients;
    for (int i = 0; i < 100; ++i) {
        clients.emplace_back(server.address());
        clients.back().send(get("/"));
    }
    for (Client& client : clients) CHECK(client.receive().body == "hello");
}

TEST_CASE("a client that connects and says nothing keeps no place from a newcomer") {
    Limited server(1);
    Client silent(server.address());
    REQUIRE(eventually([&] { return server.open() == 1; }));
    Client newcomer(server.address());
    newcomer.send(get("/"));
    CHECK(newcomer.receive().body == "hello");
    CHECK(silent.ended_in_order());
}

TEST_CASE("the limit is one for all listeners of a worker") {
    Limited server(2, 2);
    Client first(server.address(0));
    Client second(server.address(1));
    first.send(get("/wait"));
    second.send(get("/wait"));
    REQUIRE(eventually([&] { return server.waiting() == 2; }));
    Client third(server.address(0));
    Client fourth(server.address(1));
    third.send(get("/"));
    fourth.send(get("/"));
    CHECK(is_left_waiting(third));
    CHECK(is_left_waiting(fourth));
    server.answer_one();
    CHECK(third.receive().body == "hello");
    CHECK(fourth.receive().body == "hello");  // in the place of the third, which is idle now
    server.answer();
}

TEST_CASE("a connection that was upgraded counts on, and ends for nobody") {
    Limited server(1);
    std::optional<Client> upgraded(server.address());
    upgraded->send(get("/echo", "Connection: Upgrade\r\nUpgrade: echo/1\r\n"));
    REQUIRE(upgraded->receive(true).status == 101);
    REQUIRE(eventually([&] { return server.upgraded() == 1; }));
    Client second(server.address());
    second.send(get("/"));
    CHECK(is_left_waiting(second));
    CHECK(server.open() == 1);
    server.end_upgraded();
    CHECK(second.receive().body == "hello");
}

TEST_CASE("an idle connection ends for a newcomer also where another protocol has more of them") {
    Limited server(3);
    std::list<Client> upgraded;
    for (int i = 0; i < 2; ++i) {
        upgraded.emplace_back(server.address());
        upgraded.back().send(get("/echo", "Connection: Upgrade\r\nUpgrade: echo/1\r\n"));
        REQUIRE(upgraded.back().receive(true).status == 101);
    }
    REQUIRE(eventually([&] { return server.upgraded() == 2; }));
    Client idle(server.address());
    idle.send(get("/"));
    REQUIRE(idle.receive().status == 200);
    Client newcomer(server.address());
    newcomer.send(get("/"));
    CHECK(newcomer.receive().body == "hello");
    CHECK(idle.ended_in_order());
    CHECK(server.upgraded() == 2);
}

TEST_CASE("a drain takes those who wait, as nobody else will serve them") {
    Limited server(1);
    Client busy(server.address());
    busy.send(get("/wait"));
    REQUIRE(eventually([&] { return server.waiting() == 1; }));
    Client second(server.address());
    second.send(get("/"));
    CHECK(is_left_waiting(second));
    server.drain();
    CHECK(second.receive().body == "hello");
    server.answer();
    CHECK(busy.receive().body == "at last");
}

TEST_CASE("without a limit any number is open") {
    Limited server(0);
    std::list<Client> clients;
    for (int i = 0; i < 50; ++i) {
        clients.emplace_back(server.address());
        clients.back().send(get("/"));
        REQUIRE(clients.back().receive().status == 200);
    }
    CHECK(server.open() == 50);
}
