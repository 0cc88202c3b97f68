#include "master/notify/line_splitter.h"

#include <vector>

#include "master/notify/last_lines.h"
#include "tests/catch.h"

using namespace sup;
using Strings = std::vector<std::string>;

namespace {

// Feeds the bytes in pieces of that size.
Strings split(std::string_view bytes, std::size_t piece) {
    Strings lines;
    const auto collect = [&](std::string_view line) { lines.emplace_back(line); };
    LineSplitter splitter;
    for (std::size_t at = 0; at < bytes.size(); at += piece) splitter.feed(bytes.substr(at, piece), collect);
    splitter.flush(collect);
    return lines;
}

}  // namespace

TEST_CASE("lines are the same however the bytes arrive") {
    const std::string_view bytes = "one\r\ntwo €\n\n\x1b[1mthree\nrest";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        CHECK(split(bytes, piece) == Strings{"one", "two €", "", "\\x1b[1mthree", "rest"});
    }
}

TEST_CASE("nothing is given out twice, and a flush of nothing is no line") {
    CHECK(split("", 1).empty());
    CHECK(split("a\n", 1) == Strings{"a"});
    CHECK(split("\n", 1) == Strings{""});
}

TEST_CASE("a line that is too long is cut between characters, and both sides of a cut are marked") {
    const std::string exact(max_line_bytes, 'x');
    CHECK(split(exact + "\n", 1000) == Strings{exact});
    CHECK(split(exact + "y\n", 1000) == Strings{exact + "…", "…y"});

    const std::string wide = exact.substr(1) + "€€";
    const Strings lines = split(wide + "\nnext\n", 100'000);
    CHECK(lines == Strings{exact.substr(1) + "…", "…€€", "next"});

    const Strings many = split(std::string(10 * max_line_bytes, 'x'), 50'000);
    CHECK(many.size() == 10);
}

TEST_CASE("the last lines are the newest ones, and bounded in number and size") {
    LastLines last;
    for (int i = 0; i < 50; ++i) last.add(std::to_string(i));
    CHECK(last.lines().size() == LastLines::max_lines);
    CHECK(last.lines().front() == "30");
    CHECK(last.lines().back() == "49");

    for (int i = 0; i < 50; ++i) last.add(std::string(3000, 'x'));
    std::size_t bytes = 0;
    for (const std::string& line : last.lines()) bytes += line.size();
    CHECK(bytes <= LastLines::max_bytes);
    CHECK(last.lines().size() == 5);

    last.add(std::string(100'000, 'y'));
    REQUIRE(last.lines().size() == 1);
    CHECK(last.lines().front().size() <= LastLines::max_bytes);
}
