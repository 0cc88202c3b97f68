#include "common/duration.h"

#include "tests/catch.h"

using namespace std::chrono_literals;
using sup::parse_duration;

TEST_CASE("a duration is a whole number with a unit") {
    CHECK(parse_duration("250ms").value() == 250ms);
    CHECK(parse_duration("30s").value() == 30s);
    CHECK(parse_duration("5m").value() == 5min);
    CHECK(parse_duration("2h").value() == 2h);
    CHECK(parse_duration("1d").value() == 24h);
    CHECK(parse_duration("0").value() == 0ms);
    CHECK(parse_duration("0s").value() == 0ms);
}

TEST_CASE("what is not a duration is refused") {
    for (const char* text : {"", "s", "5", "-5s", "+5s", "5 s", "1.5s", "5sec", "0x5s", "5ss", " 5s"}) {
        INFO(text);
        CHECK_FALSE(parse_duration(text).ok());
    }
}

TEST_CASE("a duration that would overflow is refused") {
    CHECK_FALSE(parse_duration("3651d").ok());
    CHECK_FALSE(parse_duration("9223372036854775807h").ok());
    CHECK_FALSE(parse_duration("99999999999999999999s").ok());
    CHECK(parse_duration("3650d").ok());
}

TEST_CASE("formatting a duration and parsing it again gives the same duration") {
    for (const auto duration : {0ms, 1ms, 999ms, 1000ms, 1500ms, 60'000ms, 90'000ms, 86'400'000ms}) {
        CHECK(parse_duration(sup::format_duration(duration)).value() == duration);
    }
    CHECK(sup::format_duration(90s) == "90s");
    CHECK(sup::format_duration(1500ms) == "1500ms");
}

TEST_CASE("people read durations in two units at the most") {
    CHECK(sup::describe_duration(9ms) == "9ms");
    CHECK(sup::describe_duration(1234ms) == "1.2s");
    CHECK(sup::describe_duration(42s) == "42s");
    CHECK(sup::describe_duration(125s) == "2m 5s");
    CHECK(sup::describe_duration(3h) == "3h");
    CHECK(sup::describe_duration(76h) == "3d 4h");
}
