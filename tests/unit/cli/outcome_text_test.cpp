#include "master/cli/outcome_text.h"

#include <nlohmann/json.hpp>

#include "master/status/json.h"
#include "tests/catch.h"

using namespace sup::cli;
using nlohmann::json;

namespace {

// As a command reads what the master answers; null: it did not.
std::optional<sup::status::Picture> after(const json& status) {
    return status.is_null() ? std::nullopt : std::optional(sup::status::read_picture(status));
}

std::string reload(const json& outcome, const json& status) {
    return describe_reload(sup::status::read_reload(outcome), after(status));
}

std::string failed_reload(const json& outcome, const json& status) {
    return describe_failed_reload(sup::status::read_reload(outcome), after(status));
}

std::string start(const json& outcome, const json& status) {
    return describe_start(sup::status::read_started(outcome), after(status));
}

}  // namespace

TEST_CASE("a reload's last line says what serves, what drains, and how long it took") {
    const json outcome{{"generation", 3}, {"outcome", "promoted"}, {"duration_ms", 9}};
    CHECK(reload(outcome, nullptr) == "reloaded: generation 3 was promoted, 9ms");
    const json status{{"generations",
                       {{{"generation", 3}, {"state", "active"}, {"count", 2}},
                        {{"generation", 2}, {"state", "draining"}, {"count", 1}}}}};
    CHECK(reload(outcome, status) ==
          "reloaded: generation 3 (2 workers) serves, generation 2 is draining, 9ms");
}

TEST_CASE("a reload's last line says how many connections its release could not resume") {
    const json outcome{{"generation", 3},
                       {"outcome", "promoted"},
                       {"connections", {{"unreadable", {{"chat", 12}, {"line", 1}}}}},
                       {"duration_ms", 9}};
    CHECK(reload(outcome, nullptr) ==
          "reloaded: generation 3 was promoted, 12 connections of chat ended: the new release cannot read "
          "their "
          "state, 1 connection of line ended: the new release cannot read its state, 9ms");
}

TEST_CASE("a reload's last line says which workers died in place of draining") {
    json outcome{{"generation", 3},
                 {"outcome", "promoted"},
                 {"died", 1},
                 {"connections", {{"closed", 245}}},
                 {"duration_ms", 9}};
    CHECK(
        reload(outcome, nullptr) ==
        "reloaded: generation 3 was promoted, 1 worker died while it drained, 245 connections were cut: see "
        "the log, 9ms");
    outcome["died"] = 2;
    outcome["connections"]["closed"] = 0;
    CHECK(reload(outcome, nullptr) ==
          "reloaded: generation 3 was promoted, 2 workers died while they drained: see the log, 9ms");
}

TEST_CASE("a reload that a later one or a stop has overtaken says what serves by now") {
    const json outcome{{"generation", 2}, {"outcome", "promoted"}, {"duration_ms", 9}};
    const json third{{"generation", 3}, {"state", "active"}, {"count", 1}};
    const json draining{{"generation", 2}, {"state", "draining"}, {"count", 1}};
    CHECK(reload(outcome, {{"generations", {third, draining}}}) ==
          "reloaded: generation 2 was promoted, by now generation 3 (1 worker) serves, generation 2 is "
          "draining, 9ms");
    CHECK(reload(outcome, {{"generations", {third}}}) ==
          "reloaded: generation 2 was promoted and is gone, by now generation 3 (1 worker) serves, 9ms");
    CHECK(reload(outcome, {{"state", "stopping"}, {"generations", {draining}}}) ==
          "reloaded: generation 2 was promoted, the instance is stopping, generation 2 is draining, 9ms");
    CHECK(start({{"name", "a"}, {"pid", 7}, {"generation", 2}, {"duration_ms", 9}},
                {{"state", "stopping"}, {"generations", {draining}}}) ==
          "a was up: pid 7, generation 2 was promoted, the instance is stopping, 9ms");
}

TEST_CASE("a failed reload says that the old generation serves where it does") {
    const json failed{{"outcome", "failed"}, {"reason", "why"}};
    CHECK(failed_reload(failed, {{"state", "running"}}) ==
          "the reload failed; the previous generation is still serving: why");
    CHECK(failed_reload(failed, {{"state", "running"}, {"log", "/var/log/shop.log"}}) ==
          "the reload failed; the previous generation is still serving: why\nthe log is /var/log/shop.log");
    CHECK(failed_reload(failed, {{"state", "stopping"}}) == "the reload failed: why");
    CHECK(failed_reload(failed, nullptr) == "the reload failed: why");
    CHECK(failed_reload({{"outcome", "failed"}, {"reason", "stopping"}}, nullptr) ==
          "the reload was abandoned because the instance is stopping: stopping");
}

TEST_CASE("a start's last line says where it serves") {
    const json outcome{{"name", "hello"}, {"pid", 4711}, {"generation", 1}, {"duration_ms", 1200}};
    const json status{
        {"listeners",
         {{{"name", "http"}, {"address", "127.0.0.1:80"}}, {{"name", "b"}, {"address", "[::1]:81"}}}},
        {"generations", {{{"generation", 1}, {"state", "active"}, {"count", 1}}}}};
    CHECK(start(outcome, status) ==
          "hello is up: pid 4711, generation 1 (1 worker) serves on http 127.0.0.1:80, b [::1]:81, 1.2s");
    CHECK(start(outcome, nullptr) == "hello is up: pid 4711, generation 1 was promoted, 1.2s");
}

TEST_CASE("a failure comes with its reason and the worker's last lines") {
    CHECK(describe_failure("hello did not start", "why", {}) == "hello did not start: why");
    CHECK(describe_failure("hello did not start", "why", {"one", "two"}) ==
          "hello did not start: why\nthe worker's last lines:\n  one\n  two");
}
