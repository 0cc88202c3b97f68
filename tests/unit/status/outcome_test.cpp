#include "master/ledger/outcome.h"

#include <nlohmann/json.hpp>

#include "master/status/json.h"
#include "master/status/outcome.h"
#include "tests/catch.h"

using namespace std::chrono_literals;

namespace {

nlohmann::json told(const sup::ReloadOutcome& outcome) {
    return nlohmann::json::parse(sup::status::to_json(sup::status::picture_of(outcome)));
}

}  // namespace

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
    CHECK(told(outcome) == expected);
}

TEST_CASE("a worker that fills its row with nonsense makes no sum wrap around") {
    sup::ScoreboardRow row{};
    for (auto* counter : {&row.connections, &row.handed_over, &row.drained, &row.closed})
        counter->store(~std::uint64_t{0});
    sup::DrainTotals totals{1, 1, 1};
    for (int worker = 0; worker < 3; ++worker) totals.add_exited(row);
    CHECK(totals.handed_over == sup::largest_count);
    CHECK(totals.drained == sup::largest_count);
    CHECK(totals.closed == sup::largest_count);
}

TEST_CASE("what a worker still had open when it exited counts as closed") {
    sup::ScoreboardRow row{};
    row.connections = 3;
    row.closed = 2;
    row.drained = 1;
    sup::DrainTotals running;
    running.add(row);
    CHECK(running.closed == 2);
    sup::DrainTotals exited;
    exited.add_exited(row);
    CHECK(exited.closed == 5);
    CHECK(exited.drained == 1);
}

TEST_CASE("a failed reload carries its reason and the worker's last words") {
    sup::ReloadOutcome outcome;
    outcome.reason = "worker ./x: No such file or directory";
    outcome.worker_output = {"one", "two"};
    const nlohmann::json shown = told(outcome);
    CHECK(shown["generation"].is_null());
    CHECK(shown["outcome"] == "failed");
    CHECK(shown["reason"] == outcome.reason);
    CHECK(shown["worker_output"] == nlohmann::json{"one", "two"});
    CHECK(shown["configuration_error"] == false);
}
