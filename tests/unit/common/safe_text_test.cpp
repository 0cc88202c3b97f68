#include "common/safe_text.h"

#include "tests/catch.h"

using namespace sup;

TEST_CASE("readable text stays as it is, and everything else is written out in hexadecimal") {
    struct Case {
        std::string_view input, output;
    };
    using namespace std::string_view_literals;
    const Case cases[] = {
        {"plain text, with\ttab", "plain text, with\ttab"},
        {"", ""},
        {"äöü € 😀", "äöü € 😀"},
        {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"},
        {"a\0b"sv, "a\\x00b"},
        {"a\nb\rc\x7f", "a\\x0ab\\x0dc\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},                             // CSI, a control character of C1
        {"\xc2\xa0", "\xc2\xa0"},                               // the first one after C1
        {"\xff\xfe", "\\xff\\xfe"},                             // never in UTF-8
        {"\x80", "\\x80"},                                      // a continuation of nothing
        {"\xc3", "\\xc3"},                                      // cut
        {"\xe2\x82 x", "\\xe2\\x82 x"},                         // cut in the middle
        {"\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf"},  // overlong
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                    // a surrogate
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},           // above U+10FFFF
        {"\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},           // overlong
        {"C:\\dir", "C:\\dir"},
        {"a\u061cb", "a\\xd8\\x9cb"},  // marks and overrides of the direction of writing
        {"\u200e\u200f", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f"},
        {"\u202a\u202e", "\\xe2\\x80\\xaa\\xe2\\x80\\xae"},
        {"\u2066\u2069", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"},
        {"\u2028\u2029", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},  // ends of a line and a paragraph
        {"\u200d\u2010\u2027\u202f\u2065\u206a\u061b\u061d",
         "\u200d\u2010\u2027\u202f\u2065\u206a\u061b\u061d"},
    };
    for (const Case& c : cases) CHECK(safe_text(c.input, 1000) == c.output);
}

TEST_CASE("one unsafe byte is found wherever it stands in a plain text") {
    for (const char unsafe : {'\x1b', '\x7f', '\xff', '\x00'}) {
        for (std::size_t at = 0; at < 20; ++at) {
            std::string text(20, 'x');
            text[at] = unsafe;
            CHECK(safe_text(text).size() == 23);
        }
    }
    const std::string edges = " ~ ~ ~ ~ ~ ~ ~ ~";
    CHECK(safe_text(edges) == edges);
}

TEST_CASE("lines stay lines when they are made safe") {
    CHECK(safe_lines("") == "");
    CHECK(safe_lines("one\n\033two\r\n") == "one\n\\x1btwo\\x0d\n");
}

TEST_CASE("JSON is made safe in its own way, so that a program reads what was there") {
    CHECK(safe_json("{\n  \"a\": \"x\u202ey\u009bz\x7f\"\n}\n") ==
          "{\n  \"a\": \"x\\u202ey\\u009bz\\u007f\"\n}\n");
    CHECK(safe_json("\"äöü € 😀 \\u001b\"") == "\"äöü € 😀 \\u001b\"");
    CHECK(safe_json("").empty());
}

TEST_CASE("text that is too long is cut between characters and marked") {
    CHECK(safe_text("12345678", 8) == "12345678");
    CHECK(safe_text("123456789", 8) == "12345…");
    CHECK(safe_text("1234€€€", 8) == "1234…");
    CHECK(safe_text("1234\x01\x02", 8) == "1234…");
    for (std::size_t length = 0; length < 40; ++length) {
        CHECK(safe_text(std::string(length, '\xff'), 16).size() <= 16);
        CHECK(safe_text(std::string(length, 'x'), 16).size() <= 16);
    }
}

TEST_CASE("a prefix is complete when no character is cut at its end") {
    CHECK(complete_utf8_prefix("") == 0);
    CHECK(complete_utf8_prefix("abc") == 3);
    CHECK(complete_utf8_prefix("ab€") == 5);
    CHECK(complete_utf8_prefix("ab\xe2\x82") == 2);
    CHECK(complete_utf8_prefix("ab\xe2") == 2);
    CHECK(complete_utf8_prefix("ab\xf0\x9f\x98") == 2);
    CHECK(complete_utf8_prefix("\x80\x80\x80\x80") == 4);
    CHECK(complete_utf8_prefix("a\xff") == 2);
}
