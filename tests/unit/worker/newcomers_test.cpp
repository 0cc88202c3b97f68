// Connections that arrive when their protocol has long been told of the drain.
#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "sup/connections.h"
#include "sup/http/server.h"
#include "sup/worker.h"
#include "tests/catch.h"
#include "tests/unit/worker/client.h"

using sup::http::Request;
using sup::http::Response;
using sup::http::Server;
using sup::test::Client;
using sup::worker::Connection;
using sup::worker::Connections;
using sup::worker::ListenerChoice;
using sup::worker::Options;
using sup::worker::Worker;
using namespace std::chrono_literals;

namespace {

Options by_hand(std::chrono::milliseconds drain_timeout) {
    Options options;
    options.listen = {"127.0.0.1:0"};
    options.handle_signals = false;
    options.drain_timeout = drain_timeout;
    return options;
}

// Requests that wait to be upgraded, and what the protocol that they are for is told.
struct UpgradingLater {
    explicit UpgradingLater(std::chrono::milliseconds drain_timeout) : worker(by_hand(drain_timeout)) {}

    void upgrade_all() {
        for (Response& response : waiting) CHECK(response.upgrade("test", connections));
        waiting.clear();
    }
    bool told_after_arrival(const std::string& what) const {
        for (std::size_t i = 0; i + 1 < told.size(); ++i) {
            if (told[i] == "arrived" && told[i + 1] == what) return true;
        }
        return false;
    }
    void tell(const std::string& what) {
        told.push_back(what);
        if (what == at) worker.post([this] { upgrade_all(); });
    }

    std::string at;  // when this is told all are upgraded
    std::vector<std::string> told;
    std::vector<Response> waiting;
    std::list<Connection> arrived;
    Worker worker;
    Connections connections{worker,
                            {.protocol = "test"},
                            {.arrived =
                                 [this](Connection one) {
                                     arrived.push_back(std::move(one));
                                     tell("arrived");
                                 },
                             .move = [this] { tell("move"); },
                             .end_idle =
                                 [this] {
                                     tell("end_idle");
                                     arrived.clear();
                                 },
                             .end_all =
                                 [this](std::chrono::milliseconds) {
                                     tell("end_all");
                                     arrived.clear();
                                 }},
                            ListenerChoice::none()};
    Server server{worker, [this](Request&, Response response) {
                      waiting.push_back(std::move(response));
                      if (waiting.size() == 2) worker.drain();
                  }};
};

std::string upgrade_request() {
    return "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n";
}

}  // namespace

TEST_CASE("who arrives in a drain after the others were told to move is told, once for all") {
    UpgradingLater all(20s);
    all.at = "move";
    Client first(all.worker.listeners().at(0).address);
    Client second(all.worker.listeners().at(0).address);
    first.send(upgrade_request());
    second.send(upgrade_request());
    CHECK(all.worker.run() == 0);
    REQUIRE(all.told.size() >= 4);
    // Without a supervisor nobody takes over, and the grace for idle clients ends it.
    CHECK(all.told == std::vector<std::string>{"move", "arrived", "arrived", "move", "end_idle"});
}

TEST_CASE("who arrives in a drain after idle connections were ended is told") {
    UpgradingLater all(2s);
    all.at = "end_idle";
    Client first(all.worker.listeners().at(0).address);
    Client second(all.worker.listeners().at(0).address);
    first.send(upgrade_request());
    second.send(upgrade_request());
    CHECK(all.worker.run() == 0);
    const std::vector<std::string> expected{"move", "end_idle", "arrived", "arrived", "move", "end_idle"};
    REQUIRE(all.told.size() >= expected.size());
    CHECK(std::equal(expected.begin(), expected.end(), all.told.begin()));
    CHECK(all.arrived.empty());
}
