#include "master/status/time.h"

#include "tests/catch.h"

using namespace sup::status;

TEST_CASE("a moment is told in UTC, by the second, and read again") {
    const Time moment{std::chrono::seconds{1'000'000'000}};
    CHECK(format_time(moment) == "2001-09-09T01:46:40Z");
    CHECK(parse_time("2001-09-09T01:46:40Z") == moment);
}

TEST_CASE("another notation of a moment is not guessed at") {
    CHECK_FALSE(parse_time(""));
    CHECK_FALSE(parse_time("yesterday"));
    CHECK_FALSE(parse_time("2001-09-09T01:46:40"));
    CHECK_FALSE(parse_time("2001-09-09T01:46:40Z "));
}
