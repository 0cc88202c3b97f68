#include "master/status/json.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/unit/status/filled.h"

using namespace sup::status;
using nlohmann::json;
using sup::status::test::filled;

TEST_CASE("what is written of a picture, an answer or an event is read again") {
    const std::string picture = to_json(filled<Picture>());
    CHECK(to_json(read_picture(json::parse(picture))) == picture);
    const std::string reload = to_json(filled<Reload>());
    CHECK(to_json(read_reload(json::parse(reload))) == reload);
    const std::string started = to_json(filled<Started>());
    CHECK(to_json(read_started(json::parse(started))) == started);
    const std::string failed = to_json(filled<FailedStart>());
    CHECK(to_json(read_failed_start(json::parse(failed))) == failed);
    const std::string stopped = to_json(filled<Stopped>());
    CHECK(to_json(read_stopped(json::parse(stopped))) == stopped);
    for (const Event& event :
         {Event{filled<GenerationEvent>()}, Event{filled<WorkerEvent>()}, Event{filled<WorkerReadyEvent>()},
          Event{filled<RestartEvent>()}, Event{filled<ReloadWaitsEvent>()}, Event{filled<CountEvent>()},
          Event{filled<LogEvent>()}}) {
        const std::string text = to_json(event);
        INFO(text);
        const auto again = read_event(json::parse(text));
        REQUIRE(again);
        CHECK(again->index() == event.index());
        CHECK(to_json(*again) == text);
    }
}

TEST_CASE("what is not known is null, and what there is nothing to say of is left out") {
    Picture picture;
    picture.generations.emplace_back().workers.emplace_back();
    const json generation = json::parse(to_json(picture))["generations"][0];
    CHECK(generation["generation"] == 0);
    CHECK_FALSE(generation.contains("executable"));
    CHECK_FALSE(generation.contains("release"));
    CHECK(generation["workers"][0]["pid"].is_null());
    CHECK(generation["workers"][0]["last_exit"].is_null());
    Reload reload;
    reload.outcome = "promoted";
    const json promoted = json::parse(to_json(reload));
    CHECK(promoted["generation"].is_null());
    for (const char* key : {"died", "worker_output", "configuration_error"})
        CHECK_FALSE(promoted.contains(key));
    CHECK_FALSE(promoted["connections"].contains("unreadable"));
}

TEST_CASE("a picture of a newer or an older master is read as far as it goes") {
    const Picture picture =
        read_picture({{"name", "shop"},
                      {"news", {{"a", 1}}},
                      {"pid", "x"},
                      {"serving", -1},
                      {"wanted", 5'000'000'000},
                      {"uptime_ms", 1200},
                      {"listeners", 7},
                      {"generations", {{{"generation", 2}, {"state", "resting"}}, 7}},
                      {"last_reload", {{"outcome", "rolled_back"}, {"at", "yesterday"}}}});
    CHECK(picture.name == "shop");
    CHECK(picture.pid == 0);
    CHECK(picture.serving == 0);
    CHECK(picture.wanted == 0);
    CHECK(picture.uptime == sup::Duration{1200});
    CHECK(picture.listeners.empty());
    REQUIRE(picture.generations.size() == 1);
    CHECK(picture.generations[0].state == "resting");
    REQUIRE(picture.last_reload);
    CHECK(picture.last_reload->outcome == "rolled_back");
    CHECK_FALSE(picture.last_reload->at);
    CHECK(read_picture(nullptr).generations.empty());
}

TEST_CASE("an event of a type that is not known is passed over") {
    CHECK_FALSE(read_event(nullptr));
    CHECK_FALSE(read_event({{"type", 7}}));
    CHECK_FALSE(read_event({{"type", "news"}}));
    CHECK(std::get<CountEvent>(*read_event({{"type", "count"}, {"count", "x"}})).count == 0);
}

TEST_CASE("numbers keep their full width") {
    Picture picture;
    picture.generations.emplace_back().executable.emplace().inode = ~std::uint64_t{0};
    CHECK(read_picture(json::parse(to_json(picture))).generations[0].executable->inode == ~std::uint64_t{0});
}

TEST_CASE("text that is not UTF-8 is written on one line, with replacement characters") {
    const std::string line = to_json(Event{LogEvent{"info", "a\nb\xff"}});
    CHECK(line.find('\n') == std::string::npos);
    CHECK(json::parse(line)["message"] == "a\nb\uFFFD");
}
