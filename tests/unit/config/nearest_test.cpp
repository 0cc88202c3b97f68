#include "config/nearest.h"

#include <array>
#include <string>

#include "tests/catch.h"

using sup::config::edit_distance;
using sup::config::nearest;

TEST_CASE("edit distance counts letters left out, added, changed and swapped") {
    CHECK(edit_distance("count", "count") == 0);
    CHECK(edit_distance("count", "cont") == 1);
    CHECK(edit_distance("count", "counts") == 1);
    CHECK(edit_distance("count", "cuunt") == 1);
    CHECK(edit_distance("count", "cuont") == 1);
    CHECK(edit_distance("Count", "cOUNT") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "") == 3);
}

TEST_CASE("the nearest word is one that could have been meant, or none") {
    constexpr std::array<std::string_view, 4> known{"env", "ready", "ready_timeout", "count"};
    CHECK(nearest("evn", known) == "env");
    CHECK(nearest("raedy", known) == "ready");
    CHECK(nearest("readytimeout", known) == "ready_timeout");
    CHECK(nearest("cou", known) == "count");
    CHECK(nearest("counter", known) == std::nullopt);
    CHECK(nearest("xyz", known) == std::nullopt);
    CHECK(nearest(std::string(1'000'000, 'e'), known) == std::nullopt);
}
