// A user's protocol that goes in the middle of a call into it.
#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include "sup/connections.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"

using sup::test::Client;
using sup::worker::Connection;
using sup::worker::ConnectionHandlers;
using sup::worker::Connections;
using sup::worker::Options;
using sup::worker::Worker;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

Options two_by_hand() {
    Options options;
    options.listen = {"127.0.0.1:0", "127.0.0.1:0"};
    options.handle_signals = false;
    return options;
}

}  // namespace

TEST_CASE("`arrived` may destroy its Connections, and what it was called for is its own still") {
    const bool throws = GENERATE(false, true);
    Worker worker(two_by_hand());
    std::unique_ptr<Connections> connections;
    connections = std::make_unique<Connections>(worker, sup::worker::Spoken{"test/1"},
                                                ConnectionHandlers{.arrived = [&](const Connection& arrived) {
                                                    connections.reset();
                                                    CHECK(arrived.socket() >= 0);
                                                    worker.drain();
                                                    if (throws) throw 1;
                                                }});
    Client client(worker.listeners().at(0).address);
    CHECK(worker.run() == 0);
    CHECK(client.ended_in_order());
}

TEST_CASE("`make_room` may destroy its Connections") {
    Options options = two_by_hand();
    options.max_connections = 1;
    Worker worker(options);
    std::optional<Connection> kept;
    std::unique_ptr<Connections> connections;
    connections = std::make_unique<Connections>(
        worker, sup::worker::Spoken{"test/1"},
        ConnectionHandlers{.arrived = [&](Connection arrived) { kept = std::move(arrived); },
                           .make_room =
                               [&](std::size_t) {
                                   kept.reset();
                                   connections.reset();
                                   worker.drain();
                               }});
    Client first(worker.listeners().at(0).address);
    Client second(worker.listeners().at(0).address);
    CHECK(worker.run() == 0);
    CHECK(first.ended_in_order());
}

TEST_CASE("a protocol that goes, or comes, while a drain takes a queue disturbs no other listener's queue") {
    Options options = two_by_hand();
    options.ready_at_start = false;  // so that all of them are in the queues when the drain begins
    Worker worker(options);
    int first_arrived = 0;
    int second_arrived = 0;
    std::list<Connections> later;
    std::unique_ptr<Connections> first;
    first = std::make_unique<Connections>(
        worker, sup::worker::Spoken{"one/1"},
        ConnectionHandlers{.arrived =
                               [&](const Connection&) {
                                   ++first_arrived;
                                   for (int i = 0; i < 20; ++i)
                                       later.emplace_back(worker, sup::worker::Spoken{"other/1"},
                                                          ConnectionHandlers{},
                                                          sup::worker::ListenerChoice::none());
                                   first.reset();
                               }},
        sup::worker::ListenerChoice({"listen0"}));
    Connections second(worker, {"two/1"}, {.arrived = [&](const Connection&) { ++second_arrived; }},
                       {{"listen1"}});
    std::list<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(worker.listeners().at(0).address);
        clients.emplace_back(worker.listeners().at(1).address);
    }
    worker.drain();
    CHECK(worker.run() == 0);
    CHECK(first_arrived == 1);
    CHECK(second_arrived == 3);
}

TEST_CASE("a drain does not wait for connections whose Connections have gone meanwhile") {
    Options options = two_by_hand();
    options.drain_timeout = 60s;
    Worker worker(options);
    std::optional<Connection> kept;
    std::unique_ptr<Connections> connections;
    connections = std::make_unique<Connections>(worker, sup::worker::Spoken{"test/1"},
                                                ConnectionHandlers{.arrived = [&](Connection arrived) {
                                                    kept = std::move(arrived);
                                                    worker.drain();
                                                }});
    const Client client(worker.listeners().at(0).address);
    worker.on_drain([&](const sup::worker::Drain&) { worker.post([&] { connections.reset(); }); });
    const auto begun = Clock::now();
    CHECK(worker.run() == 0);
    CHECK(Clock::now() - begun < 20s);
    CHECK(kept->socket() >= 0);
    kept.reset();
}
