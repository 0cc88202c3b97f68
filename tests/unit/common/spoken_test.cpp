#include "common/spoken.h"

#include <nlohmann/json.hpp>

#include "tests/catch.h"

using sup::goes_on_from;
using sup::Reads;
using All = std::vector<Reads>;

TEST_CASE("a worker resumes only from what it says it reads, and from version 1 if it says nothing") {
    const sup::SpokenByAll spoken = All{{"chat", {2, 3}}, {"line", {}}};
    CHECK(goes_on_from(spoken, "chat", 3));
    CHECK_FALSE(goes_on_from(spoken, "chat", 1));
    CHECK_FALSE(goes_on_from(spoken, "line", 1));
    CHECK_FALSE(goes_on_from(spoken, "other", 1));
    CHECK(goes_on_from(std::nullopt, "other", 1));
    CHECK_FALSE(goes_on_from(std::nullopt, "other", 2));
}

TEST_CASE("several have in common what each of them reads") {
    CHECK(sup::in_common({{"chat", {1, 2, 3}}, {"line", {1}}}, {{"chat", {3, 2}}, {"http", {1}}}) ==
          All{{"chat", {2, 3}}});
    CHECK(sup::in_common({{"chat", {1}}}, {{"chat", {2}}}) == All{{"chat", {}}});
    CHECK(sup::in_common({}, {{"chat", {2}}}).empty());
}

TEST_CASE("what is spoken survives its packet, and malformed text counts as not said") {
    const All all{{"chat", {1, 4294967295}}, {"", {}}};
    CHECK(sup::parse_spoken(sup::to_json(all)) == all);
    CHECK(sup::parse_spoken(nlohmann::json::array()) == All{});
    for (const char* odd : {"null", "{}", "[1]", "[{}]", R"([{"protocol":"a","reads":[4294967296]}])",
                            R"([{"protocol":"a","reads":1}])", R"([{"protocol":"a","reads":[1.0]}])"}) {
        CAPTURE(odd);
        CHECK_FALSE(sup::parse_spoken(nlohmann::json::parse(odd)));
    }
}
