#include "worker/http/parser.h"

#include <string>

#include "tests/catch.h"
#include "worker/http/text.h"

using sup::http::Head;
using sup::http::Parser;
using Step = sup::http::Parser::Step;

namespace {

struct Parsed {
    Step step = Step::need_more;
    int refusal = 0;
    std::size_t consumed = 0;
    std::string body;

    friend bool operator==(const Parsed&, const Parsed&) = default;
};

// Parses one message that arrives in pieces of `piece` bytes, each time in a buffer of its own.
Parsed parse(const std::string& bytes, std::size_t piece, const sup::http::ParserLimits& limits = {}) {
    Parser parser;
    parser.reset(limits);
    Parsed outcome;
    std::size_t received = 0;
    while (outcome.step == Step::need_more && received < bytes.size()) {
        received = std::min(received + piece, bytes.size());
        const std::string so_far = bytes.substr(0, received);
        outcome.step = parser.parse_head(so_far);
    }
    outcome.consumed = parser.head_size();
    if (outcome.step == Step::head && parser.head().has_body()) {
        std::size_t end = received;
        do {
            const std::string part = bytes.substr(outcome.consumed, end - outcome.consumed);
            std::size_t used = 0;
            std::string_view data;
            outcome.step = parser.parse_body(part, used, data);
            outcome.consumed += used;
            outcome.body += data;
            if (outcome.step == Step::need_more) {
                if (end == bytes.size()) break;
                end = std::min(end + piece, bytes.size());
            }
        } while (outcome.step == Step::body || outcome.step == Step::need_more);
    }
    if (outcome.step == Step::refused) {
        outcome.refusal = parser.refusal();
        outcome.consumed = 0;
    }
    return outcome;
}

// What comes of a message must not depend on how it was cut.
Parsed parse_however_cut(const std::string& bytes) {
    const Parsed whole = parse(bytes, bytes.size());
    for (std::size_t piece = 1; piece < bytes.size(); piece += piece < 8 ? 1 : 7) {
        CAPTURE(bytes, piece);
        CHECK(parse(bytes, piece) == whole);
    }
    return whole;
}

struct Refused {
    const char* why;
    std::string bytes;
    int status;
};

}  // namespace

TEST_CASE("requests that must be refused are, with the right status, however they are cut") {
    const std::string nul("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 36);
    const std::vector<Refused> table{
        {"not HTTP at all", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
        {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a word and no more", "NONSENSE\r\n\r\n", 400},
        {"an unknown method and no version", "BREW /\r\n\r\n", 400},
        {"an unknown method of something else", "BREW / POT/1.1\r\n\r\n", 400},
        {"a known method and no more", "GET\r\n\r\n", 400},
        {"a line of binary", "\x80\xff\xfe\r\n\r\n", 400},
        {"a method with a comma", "GE,T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a tunnel", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two spaces before the target", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two spaces after the target", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a control character for a target", "GET \x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"HTTP/0.9", "GET /\r\n\r\n", 400},
        {"HTTP/0.9 said aloud", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"HTTP/3.0", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"no number as version", "GET / HTTP/x.1\r\nHost: a\r\n\r\n", 400},
        {"a version of two digits", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
        {"another protocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400},
        {"another protocol", "GET / HTPT/1.1\r\nHost: a\r\n\r\n", 400},
        {"a line end without CR", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
        {"a header's line end without CR", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
        {"an empty line without CR", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
        {"a CR for a line end", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400},
        {"a CR within a value", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
        {"a NUL within a value", nul, 400},
        {"a folded header", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400},
        {"a header folded before its value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n b\r\n\r\n", 400},
        {"a space before the first header", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"a space before the colon", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc", 400},
        {"a header without a name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
        {"a header without a colon", "GET / HTTP/1.1\r\nHost: a\r\nfoo\r\n\r\n", 400},
        {"a name with a comma", "GET / HTTP/1.1\r\nHost: a\r\na,b: c\r\n\r\n", 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        {"a length and chunked",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"chunked and a length",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400},
        {"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
         400},
        {"two lengths that agree",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
        {"two lengths in one", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400},
        {"an empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\nabc", 400},
        {"a negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", 400},
        {"a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400},
        {"a length in hexadecimal", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", 400},
        {"a length of 21 digits",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000000000000\r\n\r\n", 400},
        {"a coding nobody knows",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {"a body without an end", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
        {"a method longer than any", std::string(65, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"the server as a whole, got", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"an authority for a target", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a target without a host", "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a target with userinfo", "GET http://b@a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a target with a fragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a target of another scheme", "GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 421},
        {"chunked that is not quite",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        {"chunked twice",
         "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n",
         400},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         400},
        {"an expectation nobody can meet", "POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 417},
    };
    for (const Refused& row : table) {
        CAPTURE(row.why, row.bytes);
        const Parsed outcome = parse_however_cut(row.bytes);
        CHECK(outcome.step == Step::refused);
        CHECK(outcome.refusal == row.status);
    }
}

TEST_CASE("a Host is a name or an address, perhaps with a port, and anything else is refused") {
    const auto step = [](const std::string& host) {
        const Parsed outcome = parse_however_cut("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        if (outcome.step == Step::refused) CHECK(outcome.refusal == 400);
        return outcome.step;
    };
    for (const char* host :
         {"", "a", "a:", "a:80", "A-b_c.example.com", "127.0.0.1:8999", "[::1]", "[::1]:80", "%61",
          "a,b;c=(d)", "a \t", "[v1.x:y]", "a:65535", ":80", "[::ffff:1.2.3.4]"}) {
        CAPTURE(host);
        CHECK(step(host) == Step::head);
    }
    for (const char* host :
         {"a b",           "a/b",     "a@b",    "a?b",    "a#b",        "a b/c@d",  "a:b",
          "a:80:80",       "a:8 0",   "::1",    "[::1",   "[]",         "[",        "]",
          "[::1]x",        "[::1]:x", "a\"b",   "a\\b",   "<a>",        "\xc3\xa4", "a:65536",
          "a:99999999999", "%6",      "%6g",    "%",      "[::1%25lo]", "[::g]",    "[1.2.3.4]",
          "[v.x]",         "[v1.]",   "[vg.x]", "[::1]80"}) {
        CAPTURE(host);
        CHECK(step(host) == Step::refused);
    }
}

TEST_CASE("a chunked body that is not well formed is refused, however it is cut") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::vector<std::string> bodies{"x\r\n",
                                          "-1\r\n",
                                          "0x3\r\nabc\r\n",
                                          " 3\r\nabc\r\n",
                                          "3 \r\nabc\r\n",
                                          "3\nabc\r\n0\r\n\r\n",
                                          "3\r\nabcd\r\n",
                                          "3\r\nabc\n0\r\n\r\n",
                                          "3\r\nabc0\r\n\r\n",
                                          "\r\n",
                                          "11111111111111111\r\n",
                                          "3\rabc\r\n",
                                          "3\r\nabc\r\n0\r\n\n",
                                          "3\r\nabc\r\n0\n\r\n",
                                          "3;a\nb\r\nabc\r\n0\r\n\r\n",
                                          "0\r\nX : y\r\n\r\n",
                                          "0\r\nX: y\r\n z\r\n\r\n",
                                          "0\r\nX: y\r\n\tz\r\n\r\n",
                                          "0\r\nX:\r\n y\r\n\r\n",
                                          "0\r\n X: y\r\n\r\n",
                                          "0\r\n: y\r\n\r\n",
                                          "3\r\nabc\r\n0\r\nX: y\r\n: y\r\n\r\n",
                                          {"0\r\nX: a\0b\r\n\r\n", 14}};
    for (const std::string& body : bodies) {
        CAPTURE(body);
        const Parsed outcome = parse_however_cut(head + body);
        CHECK(outcome.step == Step::refused);
        CHECK(outcome.refusal == 400);
    }
}

TEST_CASE("requests that are fine are taken, and what follows them is left alone") {
    struct Fine {
        std::string bytes;
        std::string body;
    };
    const std::vector<Fine> table{
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"GET / HTTP/1.0\r\n\r\n", ""},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", ""},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"GET / HTTP/1.1\r\nHost:a\r\nEmpty:\r\nX:  y \t\r\n\r\n", ""},
        {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "hello"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\t\r\n\r\n0\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 003 \r\n\r\nabc", "abc"},
        {"BREW / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "abc"},
        {"GETS / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"get / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"PLAY / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {std::string(64, '!') + " / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n2;a=b\r\nhe\r\n03;c=\"d\"\r\nllo\r\n00\r\nT: u\r\n\r\n",
         "hello"},
    };
    for (const Fine& row : table) {
        CAPTURE(row.bytes);
        const Parsed outcome = parse_however_cut(row.bytes);
        CHECK((outcome.step == Step::head || outcome.step == Step::end));
        CHECK(outcome.consumed == row.bytes.size());
        CHECK(outcome.body == row.body);
        const Parsed followed = parse(row.bytes + "GET /next", row.bytes.size() + 9);
        CHECK(followed.consumed == row.bytes.size());
        CHECK(followed.body == row.body);
    }
}

TEST_CASE("a head says what the request is") {
    Parser parser;
    parser.reset({});
    const std::string bytes =
        "PUT /a/b?c=d HTTP/1.1\r\nhOST: example\r\nEXPECT: 100-Continue\r\nX-Empty:\r\nX-Two: "
        "1\r\nContent-Length: 7\r\n\r\nrest";
    REQUIRE(parser.parse_head(bytes) == Step::head);
    const Head& head = parser.head();
    CHECK(head.method == sup::http::Method::put);
    CHECK(head.minor_version == 1);
    CHECK(head.keep_alive);
    CHECK(head.expect_continue);
    CHECK_FALSE(head.chunked);
    CHECK(head.content_length == 7);
    CHECK(head.target.in(bytes.data()) == "/a/b?c=d");
    REQUIRE(head.headers.size() == 5);
    CHECK(head.headers[0].name.in(bytes.data()) == "hOST");
    CHECK(head.headers[0].value.in(bytes.data()) == "example");
    CHECK(head.headers[2].name.in(bytes.data()) == "X-Empty");
    CHECK(head.headers[2].value.in(bytes.data()).empty());
    CHECK(head.headers[3].name.in(bytes.data()) == "X-Two");
    CHECK(parser.head_size() == bytes.size() - 4);
}

TEST_CASE("the authority is the target's, and that of Host where the target has none") {
    const auto authority = [](const std::string& target, const std::string& host) {
        Parser parser;
        parser.reset({});
        const std::string bytes = "OPTIONS " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
        REQUIRE(parser.parse_head(bytes) == Step::head);
        return std::string(parser.head().authority.in(bytes.data()));
    };
    CHECK(authority("/", "a:80 \t") == "a:80");
    CHECK(authority("*", "a") == "a");
    CHECK(authority("/", "").empty());
    CHECK(authority("http://b:81/x", "a") == "b:81");
    CHECK(authority("HTTPS://[::1]", "a") == "[::1]");
    CHECK(authority("http://b?x", "") == "b");
    CHECK(authority("/http://b/", "a") == "a");
}

TEST_CASE("any token is a method, with its name as it was sent") {
    Parser parser;
    for (const std::string& name : {std::string("BREW"), std::string("get"), std::string("M-SEARCH"),
                                    std::string("PRI"), std::string("SOURCE")}) {
        CAPTURE(name);
        parser.reset({});
        const std::string bytes = name + " / HTTP/1.1\r\nHost: a\r\n\r\n";
        REQUIRE(parser.parse_head(bytes) == Step::head);
        CHECK(parser.head().method == sup::http::Method::other);
        CHECK(parser.head().method_name.in(bytes.data()) == name);
    }
}

TEST_CASE("keep-alive follows version and Connection header") {
    const auto keeps = [](const std::string& version, const std::string& header) {
        Parser parser;
        parser.reset({});
        REQUIRE(parser.parse_head("GET / HTTP/" + version + "\r\nHost: a\r\n" + header + "\r\n") ==
                Step::head);
        return parser.head().keep_alive;
    };
    CHECK(keeps("1.1", ""));
    CHECK(keeps("1.1", "Connection: keep-alive\r\n"));
    CHECK_FALSE(keeps("1.1", "Connection: close\r\n"));
    CHECK_FALSE(keeps("1.1", "Connection: foo, Close\r\n"));
    CHECK_FALSE(keeps("1.0", ""));
    CHECK(keeps("1.0", "Connection: Keep-Alive\r\n"));
    CHECK(keeps("1.1", "Connection: closed, not-close\r\n"));
    CHECK_FALSE(keeps("1.1", "Connection: a\r\nConnection: ,\tCLOSE ,b\r\n"));
    CHECK_FALSE(keeps("1.1", "Connection: keep-alive, close\r\n"));
    CHECK_FALSE(keeps("1.0", "Connection: close, keep-alive\r\n"));
}

TEST_CASE("heads are bounded in size and number of headers") {
    const std::string start = "GET / HTTP/1.1\r\nHost: a\r\n";
    const sup::http::ParserLimits limits{1024, 10};
    std::string headers;
    for (int i = 0; i < 9; ++i) headers += "X: y\r\n";
    CHECK(parse(start + headers + "\r\n", 4096, limits).step == Step::head);
    CHECK(parse(start + headers + "X: y\r\n\r\n", 4096, limits).refusal == 431);
    CHECK(parse(start + "X: " + std::string(2000, 'y') + "\r\n\r\n", 4096, limits).refusal == 431);
    CHECK(parse(start + "X: " + std::string(2000, 'y'), 3, limits).refusal == 431);
    CHECK(parse(start + std::string(2000, 'n') + ": y\r\n\r\n", 4096, limits).refusal == 431);
    CHECK(parse("GET /" + std::string(2000, 'u') + " HTTP/1.1\r\nHost: a\r\n\r\n", 4096, limits).refusal ==
          414);
    const std::string exact = start + "X: " + std::string(1024 - start.size() - 7, 'y') + "\r\n\r\n";
    REQUIRE(exact.size() == 1024);
    CHECK(parse(exact, 4096, limits).step == Step::head);
    CHECK(parse(exact, 1, limits).step == Step::head);
    const std::string more = start + "X: " + std::string(1025 - start.size() - 7, 'y') + "\r\n\r\n";
    CHECK(parse(more, 4096, limits).refusal == 431);
    CHECK(parse(more, 1, limits).refusal == 431);
}

TEST_CASE("chunk extensions and trailers are bounded") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const sup::http::ParserLimits limits{1024, 10};
    CHECK(parse(head + "3;x=" + std::string(5000, 'y'), 100, limits).refusal == 431);
    CHECK(parse(head + "3\r\nabc\r\n0\r\nT: " + std::string(5000, 'y'), 100, limits).refusal == 431);
    CHECK(parse(head + std::string(5000, '0'), 100, limits).refusal == 431);
    std::string trailers = "0\r\n";
    for (int i = 0; i < 10; ++i) trailers += "T: u\r\n";
    CHECK(parse(head + trailers + "\r\n", 100, limits).step == Step::end);
    CHECK(parse(head + trailers + "T: u\r\n\r\n", 100, limits).refusal == 431);
}

TEST_CASE("chunk extensions may be as long as what they come with, and the limit on top") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto chunks = [&](int count, std::size_t size) {
        std::string bytes = head;
        for (int i = 0; i < count; ++i)
            bytes += "40;x=" + std::string(size, 'y') + "\r\n" + std::string(64, 'z') + "\r\n";
        return parse(bytes + "0\r\n\r\n", 100, {1024, 10});
    };
    CHECK(chunks(1000, 50).step == Step::end);
    CHECK(chunks(1000, 100).refusal == 431);
}

TEST_CASE("chunk extensions have the form of RFC 9112, 7.1.1, and mean nothing") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const auto outcome = [&](const std::string& extension) {
        return parse_however_cut(head + "3" + extension + "\r\nabc\r\n0" + extension + "\r\n\r\n");
    };
    for (const char* fine : {";a", ";a=b", ";a=\"b\"", " ;\ta = b", "\t; a", ";a;b=c;d=\"e\" ; f", ";a=\"\"",
                             ";a=\"\\\"\"", ";a=\"\\\\\"", ";a=\";b\"", ";a=\"x y\t\xe4\"", ";a=\"\\b\";c",
                             ";a=\"=,\";b", ";!#$%&'*+-.^_`|~=1"}) {
        CAPTURE(fine);
        CHECK(outcome(fine).step == Step::end);
        CHECK(outcome(fine).body == "abc");
    }
    for (const char* wrong :
         {" ",      ";",          ";;a",       ";a;",         ";a=",           ";=b",   ";a b",   ";a=b c",
          ";a=\"b", ";a=\"b\\\"", ";a=\"b\"c", ";a=\"\x01\"", ";a=\"\\\x7f\"", ";a==b", ";a=b=c", ",a",
          ";a,b",   ";\xe4",      ";a=\n",     ";a=\"\r\n\"", ";a ",           "=a",    ";a=b "}) {
        CAPTURE(wrong);
        CHECK(outcome(wrong).step == Step::refused);
        CHECK(outcome(wrong).refusal == 400);
    }
}

TEST_CASE("trailers are known once the body has ended, but for those that would change the message") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const std::string body =
        "0\r\nDigest:\t x y \r\nEmpty:\r\ndigest: z\r\nContent-Length: 7\r\nHOST: b\r\nAuthorization: "
        "c\r\n\r\n";
    Parser parser;
    for (std::size_t step = 1; step <= body.size(); ++step) {
        parser.reset({});
        REQUIRE(parser.parse_head(head) == Step::head);
        Step now = Step::need_more;
        for (std::size_t at = 0; at < body.size(); at += step) {
            std::size_t used = 0;
            std::string_view piece;
            CHECK_FALSE(parser.trailer("host").has_value());
            now = parser.parse_body(std::string_view(body).substr(at, step), used, piece);
        }
        REQUIRE(now == Step::end);
        CHECK(parser.trailer("DIGEST") == "x y");
        CHECK(parser.trailer("empty") == "");
        for (const char* name : {"content-length", "host", "authorization", "x"})
            CHECK_FALSE(parser.trailer(name).has_value());
    }
    parser.reset({});
    CHECK_FALSE(parser.trailer("digest").has_value());
}

TEST_CASE("small text helpers") {
    CHECK(sup::http::trim(" \t a b \t") == "a b");
    CHECK(sup::http::trim(" \t").empty());
    CHECK(sup::http::equal_ignoring_case("Content-LENGTH", "content-length"));
    CHECK_FALSE(sup::http::equal_ignoring_case("a", "ab"));
}
