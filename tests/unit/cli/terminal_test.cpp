#include "master/cli/terminal.h"

#include <stdlib.h>

#include "tests/catch.h"

using namespace sup::cli;

TEST_CASE("colours are put around text only when they are wanted") {
    CHECK(Style{true}(Colour::red, "x") == "\033[31mx\033[0m");
    CHECK(Style{true}(Colour::none, "x") == "x");
    CHECK(Style{true}(Colour::red, "").empty());
    CHECK(Style{false}(Colour::red, "x") == "x");
}

TEST_CASE("text from outside cannot take over a terminal") {
    CHECK(harmless("plain äöü – 日本") == "plain äöü – 日本");
    CHECK(harmless("a\033[2Jb\r\tc\x7f") == R"(a\x1b[2Jb\x0d c\x7f)");
    CHECK(harmless("a\u009bb\u202ec") == R"(a\xc2\x9bb\xe2\x80\xaec)");
    CHECK(harmless("\xC2") == R"(\xc2)");
    CHECK(harmless("one\ntwo") == "one two");
    CHECK(harmless("one\ntwo", "\n  ") == "one\n  two");
}

TEST_CASE("a width counts characters, not bytes") {
    CHECK(display_width("") == 0);
    CHECK(display_width("abc") == 3);
    CHECK(display_width("äöü…") == 4);
}

TEST_CASE("text is cut to a width with an ellipsis, never within a character") {
    CHECK(shortened("abc", 3) == "abc");
    CHECK(shortened("abcd", 3) == "ab…");
    CHECK(shortened("äöüß", 3) == "äö…");
    CHECK(shortened("abc", 1) == "…");
    CHECK(shortened("abc", 0).empty());
}
