// A reported position must be where a person's editor goes to, whatever stands before it.
#include <ostream>
#include <string>

#include "config/load.h"
#include "config/source_text.h"
#include "tests/catch.h"

using sup::config::parse_config;
using sup::config::Position;
using sup::config::SourceText;

namespace sup::config {

std::ostream& operator<<(std::ostream& out, const Position& position) {
    return out << position.line << ':' << position.column;
}

}  // namespace sup::config

namespace {

// Of the one problem in a text whose unknown key is called "bad".
Position position_of_bad(const std::string& before, const std::string& between = "") {
    const auto config = parse_config(
        before + "\"bad\"" + between + ": 1, \"listen\": [], \"worker\": {\"command\": [\"x\"]}}",
        "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    INFO(to_text(config.error()));
    REQUIRE(config.error().list.size() == 1);
    CHECK(config.error().list.front().pointer == "/bad");
    return config.error().list.front().position;
}

}  // namespace

TEST_CASE("a key's position counts characters and lines") {
    CHECK(position_of_bad("{") == Position{1, 2});
    CHECK(position_of_bad("\n\n  {  ") == Position{3, 6});
    CHECK(position_of_bad("{\n\t\t") == Position{2, 3});
    CHECK(position_of_bad("{\r\n\r\n ") == Position{3, 2});
    CHECK(position_of_bad("\xEF\xBB\xBF{") == Position{1, 2});
    CHECK(position_of_bad("{\"$schema\": \"é→😀\", ") == Position{1, 20});
    CHECK(position_of_bad("{\"$schema\": \"\\u00e9\\\"\", ") == Position{1, 25});
}

TEST_CASE("comments before a key do not move its position") {
    CHECK(position_of_bad("{ /* , : \" */ ") == Position{1, 15});
    CHECK(position_of_bad("// { \"\n{ // é\n ") == Position{3, 2});
    CHECK(position_of_bad("{ // ends at a carriage return\r ") == Position{1, 33});
    CHECK(position_of_bad("{/**//***//* *//*/*/") == Position{1, 21});
    CHECK(position_of_bad("{\"drain\": {}// after an object\n, // and a comma\n ") == Position{3, 2});
}

TEST_CASE("a position behind a number is right although the parser reads one character too far") {
    const auto position = [](const std::string& number, const std::string& behind) {
        const auto config = parse_config("{\"name\": " + number + behind + "}", "/etc/sup/test.json");
        REQUIRE_FALSE(config.ok());
        for (const auto& problem : config.error().list) {
            if (problem.pointer == "/bad") return problem.position;
        }
        return Position{};
    };
    CHECK(position("1", ",\"bad\":1") == Position{1, 12});
    CHECK(position("1", "//\n,\"bad\":1") == Position{2, 2});
    CHECK(position("-0", "/* */,\"bad\":1") == Position{1, 18});
    CHECK(position("1.5e+3", " ,\"bad\":1") == Position{1, 18});
    CHECK(position("0.25", "//,\n , \"bad\":1") == Position{2, 4});
}

TEST_CASE("the value's position is reported for a bad value, wherever it stands") {
    const auto config = parse_config(
        "{\"name\" /* a */ : // b\n\t\"no name\"\n, \"listen\": [], \"worker\": {\"command\": [\"x\"]}}",
        "/etc/sup/test.json");
    REQUIRE_FALSE(config.ok());
    CHECK(config.error().list.front().position == Position{2, 2});
}

TEST_CASE("the end of a text is a place in it") {
    CHECK(SourceText("").position(0) == Position{1, 1});
    CHECK(SourceText("ab").position(2) == Position{1, 3});
    CHECK(SourceText("ab\n").position(3) == Position{2, 1});
    CHECK(SourceText("ab").position(99) == Position{1, 3});
    CHECK(SourceText("\xEF\xBB\xBF").position(0) == Position{1, 1});
}
