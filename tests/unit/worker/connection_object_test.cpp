// A connection of a user's protocol ends once, however it is held.
#include <fcntl.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sup/connections.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"

using sup::test::Client;
using sup::worker::Connection;
using sup::worker::Connections;
using sup::worker::HandOver;
using sup::worker::ListenerChoice;
using sup::worker::Options;
using sup::worker::Spoken;
using sup::worker::Worker;
using namespace std::chrono_literals;

namespace {

Options by_hand() {
    Options options;
    options.listen = {"127.0.0.1:0"};
    options.handle_signals = false;
    options.drain_timeout = 20s;
    return options;
}

// A worker in this thread, and a client; `arrived` gets the client's connection.
struct Alone {
    Worker worker{by_hand()};
    std::optional<Client> client;
    std::optional<Connections> connections;

    explicit Alone(std::function<void(Connection)> arrived) {
        connections.emplace(worker, Spoken{"test/1"}, sup::worker::ConnectionHandlers{std::move(arrived)});
        client.emplace(worker.listeners().at(0).address);
    }
};

}  // namespace

TEST_CASE("a connection that is closed twice, moved and dropped is counted once") {
    std::optional<Alone> alone;
    std::vector<std::size_t> open;
    alone.emplace([&](Connection arrived) {
        Connections& connections = *alone->connections;
        CHECK(arrived);
        CHECK(arrived.fresh());
        CHECK(arrived.listener() == "listen0");
        CHECK(arrived.take_unread().empty());
        CHECK(arrived.take_state().empty());
        CHECK_FALSE(arrived.moves_on());
        CHECK(arrived.hand_over() == HandOver::impossible);
        CHECK_FALSE(arrived.put_back());
        open.push_back(connections.open());
        Connection other = std::move(arrived);
        CHECK(other.socket() >= 0);
        CHECK(arrived.socket() == -1);  // NOLINT(bugprone-use-after-move)
        arrived.close();
        arrived.answered();
        open.push_back(connections.open());
        other.close();
        other.close();
        open.push_back(connections.open());
        arrived = std::move(other);
        open.push_back(connections.open());
        alone->worker.drain();
    });
    CHECK(alone->worker.run() == 0);
    CHECK(open == std::vector<std::size_t>{1, 1, 0, 0});
    CHECK(alone->client->ended_in_order());
}

TEST_CASE("assigning to a connection ends what it was") {
    std::optional<Alone> alone;
    Connection kept;
    alone.emplace([&](Connection arrived) {
        const bool last = static_cast<bool>(kept);
        kept = std::move(arrived);
        CHECK(alone->connections->open() == 1);
        if (!last) return;
        kept = Connection();
        CHECK(alone->connections->open() == 0);
        alone->worker.drain();
    });
    Client second(alone->worker.listeners().at(0).address);
    CHECK(alone->worker.run() == 0);
    CHECK(alone->client->ended_in_order());
    CHECK(second.ended_in_order());
}

TEST_CASE("connections outlive what they came from, and even the worker") {
    Connection kept;
    std::optional<Alone> alone;
    alone.emplace([&](Connection arrived) {
        kept = std::move(arrived);
        alone->connections.reset();
        alone->worker.drain();
    });
    CHECK(alone->worker.run() == 0);
    CHECK(kept.socket() >= 0);
    CHECK(::send(kept.socket(), "x", 1, MSG_NOSIGNAL) == 1);
    CHECK(kept.hand_over() == HandOver::impossible);
    CHECK(alone->client->receive_bytes(1) == "x");
    Client client = std::move(*alone->client);
    alone.reset();
    kept.close();
    CHECK(client.ended_in_order());
}

TEST_CASE("a throw does not cost a connection that was stored before it") {
    Connection kept;
    std::optional<Alone> alone;
    alone.emplace([&](Connection arrived) {
        kept = std::move(arrived);
        alone->worker.post([&] {
            CHECK(kept);
            CHECK(alone->connections->open() == 1);
            kept.close();
            alone->worker.drain();
        });
        throw 1;
    });
    CHECK(alone->worker.run() == 0);
    CHECK(alone->client->ended_in_order());
}

TEST_CASE("a protocol without listeners of its own is no reason not to start, and takes none of them") {
    Worker worker(by_hand());
    bool arrived = false;
    Connections upgraded(worker, Spoken{"other/1"}, {.arrived = [&](const Connection&) { arrived = true; }},
                         ListenerChoice::none());
    Connections served(worker, Spoken{"test/1"}, {.arrived = [&](const Connection&) { worker.drain(); }});
    Client client(worker.listeners().at(0).address);
    CHECK(worker.run() == 0);
    CHECK_FALSE(arrived);
}

TEST_CASE("programs that a worker starts inherit no client, and clients that have vanished are found") {
    std::optional<Alone> alone;
    std::optional<Client>
        later;  // the kernel settles it when the client connects, and the worker serves by then
    alone.emplace([&](const Connection& arrived) {
        if (!later) {
            later.emplace(alone->worker.listeners().at(0).address);
            return;
        }
        CHECK((::fcntl(arrived.socket(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(arrived.socket(), F_GETFL) & O_NONBLOCK) != 0);
        int keeps_alive = 0;
        socklen_t size = sizeof keeps_alive;
        CHECK(::getsockopt(arrived.socket(), SOL_SOCKET, SO_KEEPALIVE, &keeps_alive, &size) == 0);
        CHECK(keeps_alive == 1);
        alone->worker.drain();
    });
    CHECK(alone->worker.run() == 0);
}
