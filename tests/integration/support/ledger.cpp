#include "tests/integration/support/ledger.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/catch.h"

namespace sup::test {

Ledger::Ledger(const Instance& instance) : client_(instance.folder() / "control.sock") {
    REQUIRE(client_.request(R"({"jsonrpc":"2.0","id":1,"method":"subscribe"})"));
    REQUIRE(client_.response().find("subscribed") != std::string::npos);
    const InstanceStatus now = instance.status();
    for (const auto& generation : now.generations) {
        for (const auto& worker : generation.workers)
            workers_[{generation.number, worker.slot, worker.pid}] = worker.state;
    }
    least_ready_ = static_cast<int>(workers_.size());
    count();
}

void Ledger::until(int generation, const std::string& state) {
    for (;;) {
        const std::string line = client_.line();
        INFO("waiting for generation " << generation << " to be " << state);
        REQUIRE(!line.empty());
        const auto message = nlohmann::json::parse(line);
        if (message.value("method", "") != "event") continue;
        const auto& event = message.at("params");
        const std::string type = event.at("type");
        if (type == "generation" && event.at("generation") == generation && event.at("state") == state)
            return;
        if (type != "worker" || event.at("pid") == 0) continue;  // a worker that has no process yet
        const std::tuple<int, int, pid_t> worker{event.at("generation"), event.at("slot"), event.at("pid")};
        workers_[worker] = event.at("state");
        if (event.at("state") == "exited") workers_.erase(worker);
        count();
    }
}

void Ledger::count() {
    const auto in = [&](const std::string& state) {
        return static_cast<int>(
            std::ranges::count_if(workers_, [&](const auto& worker) { return worker.second == state; }));
    };
    least_ready_ = std::min(least_ready_, in("ready"));
    most_serving_ = std::max(most_serving_, in("starting") + in("ready"));
    most_processes_ = std::max(most_processes_, static_cast<int>(workers_.size()));
}

std::string Ledger::text() const {
    return "at least " + std::to_string(least_ready_) + " ready, at most " + std::to_string(most_serving_) +
           " that start or serve, and " + std::to_string(most_processes_) + " processes";
}

}  // namespace sup::test
