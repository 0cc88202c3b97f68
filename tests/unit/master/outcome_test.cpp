#include "master/outcome.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"

using namespace std::chrono_literals;

TEST_CASE("a promoted reload is shown with its generation and no reason") {
    sup::ReloadOutcome outcome;
    outcome.generation = sup::core::GenerationId{2};
    outcome.promoted = true;
    outcome.duration = 9ms;
    outcome.connections = {3, 2, 1};
    outcome.at = std::chrono::system_clock::time_point{1'000'000'000s};
    const nlohmann::json expected{
        {"generation", 2},  {"outcome", "promoted"},
        {"reason", ""},     {"connections", {{"handed_over", 3}, {"drained", 2}, {"closed", 1}}},
        {"duration_ms", 9}, {"at", "2001-09-09T01:46:40Z"}};
    CHECK(to_json(outcome) == expected);
}

TEST_CASE("a failed reload carries its reason and the worker's last words") {
    sup::ReloadOutcome outcome;
    outcome.reason = "worker ./x: No such file or directory";
    outcome.worker_output = {"one", "two"};
    const nlohmann::json json = to_json(outcome);
    CHECK(json["generation"].is_null());
    CHECK(json["outcome"] == "failed");
    CHECK(json["reason"] == outcome.reason);
    CHECK(json["worker_output"] == nlohmann::json{"one", "two"});
    CHECK(json["configuration_error"] == false);
}
