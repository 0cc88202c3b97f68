#include "master/cli/progress.h"

#include <nlohmann/json.hpp>

#include "master/status/json.h"
#include "tests/catch.h"

using namespace sup::cli;
using nlohmann::json;

namespace {

json generation(int number, const char* state, int workers) {
    return {{"type", "generation"}, {"generation", number}, {"state", state}, {"workers", workers}};
}

json ready(int number, int count_ready, int count) {
    return {{"type", "worker_ready"},
            {"generation", number},
            {"slot", 0},
            {"ready", count_ready},
            {"count", count}};
}

json exited(int number, int slot) {
    return {{"type", "worker"}, {"generation", number}, {"slot", slot}, {"pid", 7}, {"state", "exited"}};
}

// What a pipe is given.
std::vector<std::string> lines(const std::vector<json>& events) {
    ProgressModel model;
    std::vector<std::string> told;
    for (const auto& event : events) {
        const auto known = sup::status::read_event(event);
        if (auto line = known ? model.take(*known) : std::nullopt) told.push_back(*line);
    }
    return told;
}

}  // namespace

TEST_CASE("a reload is told from its start to the end of the old generation") {
    CHECK(lines({generation(2, "starting", 2), ready(2, 1, 2), ready(2, 2, 2), generation(2, "soaking", 2),
                 generation(2, "active", 2), generation(1, "draining", 2), exited(1, 1), exited(1, 0),
                 generation(1, "gone", 0)}) == std::vector<std::string>{
                                                   "generation 2: starting 2 workers",
                                                   "generation 2: workers ready 1/2",
                                                   "generation 2: workers ready 2/2",
                                                   "generation 2: ready, soaking",
                                                   "generation 2 serves",
                                                   "generation 1: draining 2 workers",
                                                   "generation 1: draining, 1 worker of 2 left",
                                                   "generation 1 is gone",
                                               });
}

TEST_CASE("a reload that is abandoned says so") {
    CHECK(lines({generation(2, "starting", 1), exited(2, 0), generation(2, "aborting", 1),
                 generation(2, "gone", 0)}) ==
          std::vector<std::string>{"generation 2: starting 1 worker",
                                   "generation 2: abandoned; stopping its workers", "generation 2 is gone"});
}

TEST_CASE("a rolling reload that is abandoned says who still serves") {
    json given_up = generation(2, "aborting", 4);
    given_up["ready"] = 3;
    CHECK(
        lines({given_up}) ==
        std::vector<std::string>{"generation 2: abandoned; 3 workers serve until the slots are given back"});
}

TEST_CASE("waiting and restarts are explained") {
    CHECK(lines({{{"type", "reload_waits"}, {"draining", 4}, {"max_draining", 4}}}) ==
          std::vector<std::string>{"waiting: 4 generations are still draining (reload.max_draining is 4)"});
    CHECK(lines({{{"type", "restart_scheduled"}, {"generation", 1}, {"slot", 3}, {"delay_ms", 100}},
                 {{"type", "restart_scheduled"}, {"generation", 1}, {"slot", 3}, {"delay_ms", 0}}}) ==
          std::vector<std::string>{"generation 1: worker 3 ended and will be restarted in 100ms",
                                   "generation 1: worker 3 ended and will be restarted at once"});
}

TEST_CASE("warnings of the log are no line that changes, and its errors are left to the outcome") {
    const auto log = [](const char* level) {
        return json{{"type", "log"}, {"level", level}, {"message", "m"}};
    };
    CHECK(lines({log("info"), log("warning"), log("error")}).empty());
    CHECK(warning_in(*sup::status::read_event(log("warning"))) == "warning: m");
    CHECK_FALSE(warning_in(*sup::status::read_event(log("info"))));
    CHECK_FALSE(warning_in(*sup::status::read_event(log("error"))));
    CHECK_FALSE(warning_in(*sup::status::read_event(generation(2, "starting", 1))));
}

TEST_CASE("of many workers only some lines are told, the last one always") {
    std::vector<json> events{generation(2, "starting", 200)};
    for (int count = 1; count <= 200; ++count) events.push_back(ready(2, count, 200));
    const auto told = lines(events);
    CHECK(told.size() <= 12);
    CHECK(told.back() == "generation 2: workers ready 200/200");
}

TEST_CASE("what cannot be understood is passed over") {
    CHECK(lines({json(),
                 json::array(),
                 {{"type", 7}},
                 {{"type", "news"}},
                 {{"type", "generation"}, {"state", 1}},
                 {{"type", "worker"}, {"state", "exited"}}})
              .empty());
    CHECK_NOTHROW(
        lines({{{"type", "generation"}, {"generation", "x"}, {"state", "draining"}, {"workers", -1}},
               {{"type", "worker_ready"}, {"ready", nullptr}, {"count", "x"}}}));
}
