// Mistakes of handlers: the client gets one honest answer all the same, the handler is told, and the log says
// it once.
#include "worker/http/misuse.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/captured_log.h"
#include "tests/unit/worker/wire.h"

using sup::http::Request;
using sup::http::Response;
using sup::test::answer;
using sup::test::CapturedLog;
using sup::test::contains;
using sup::test::get;
using sup::test::undated;
using sup::test::Wire;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

struct Told {
    std::string answers;  // to two requests of the same kind
    std::string log;
};

// The same mistake twice: the log tells it once.
template <typename Handler>
Told twice(Handler handler, const std::string& request = get("/path")) {
    Told outcome;
    const CapturedLog log;
    Wire wire([&](const Request&, Response response) { handler(response); });
    outcome.answers = undated(wire.give(request));
    if (!wire.protocol.ending()) outcome.answers += undated(wire.give(request));
    wire.protocol.abandon();
    outcome.log = log.text();
    return outcome;
}

}  // namespace

TEST_CASE("a header that cannot be sent is refused, the handler is told, and the log says it once") {
    const auto [name, value, words] = GENERATE(table<std::string, std::string, std::string>({
        {"Connection", "close", "the library sends itself"},
        {"content-length", "3", "the library sends itself"},
        {"Transfer-Encoding", "chunked", "the library sends itself"},
        {"DATE", "now", "the library sends itself"},
        {"", "x", "not an HTTP token"},
        {"X Y", "x", "not an HTTP token"},
        {"X:", "x", "not an HTTP token"},
        {"X\r\nEvil", "x", "not an HTTP token"},
        {"\xc3\xa4", "x", "not an HTTP token"},
        {"X-A", "a\r\nEvil: b", "control characters"},
        {"X-A", "a\nb", "control characters"},
        {"X-A", std::string("a\0b", 3), "control characters"},
        {"X-A", "\x1b[31m", "control characters"},
        {"X-A", "a\x7f", "control characters"},
        {"Content-Type", "text/html\r\nEvil: b", "control characters"},
    }));
    CAPTURE(name, value);
    const Told outcome = twice([&, name = name, value = value](Response& response) {
        CHECK_FALSE(response.header(name, value));
        CHECK(response.send(200, "x"));
    });
    CHECK(outcome.answers == answer(200, "OK", "", "x") + answer(200, "OK", "", "x"));
    CHECK(contains(outcome.log, words));
    CHECK(contains(outcome.log, "GET /path"));
    CHECK(count(outcome.log, "\n") == 1);
}

TEST_CASE("any value without control characters is sent as it is") {
    const std::string value = GENERATE("", "plain", "tab\there", "caf\xe9", "caf\xc3\xa9", " ");
    const Told outcome = twice([&](Response& response) {
        CHECK(response.header("X-A", value));
        CHECK(response.send(200, "x"));
    });
    CHECK(contains(outcome.answers, "X-A: " + value + "\r\n"));
    CHECK(outcome.log.empty());
}

TEST_CASE("an answer has one Content-Type, whatever a handler says") {
    const Told outcome = twice([](Response& response) {
        CHECK(response.header("content-type", "text/html"));
        CHECK_FALSE(response.header("Content-Type", "text/css"));
        CHECK(response.send(200, "x", "text/csv"));
    });
    CHECK(count(outcome.answers, "ontent-") == 4);
    CHECK(contains(outcome.answers, "content-type: text/html\r\n"));
    CHECK(contains(outcome.log, "second Content-Type"));
    const Told split =
        twice([](Response& response) { CHECK_FALSE(response.send(200, "x", "text/html\r\nEvil: 1")); });
    CHECK(contains(split.answers, "Content-Type: application/octet-stream\r\n"));
    CHECK_FALSE(contains(split.answers, "Evil"));
}

TEST_CASE("a status that no answer has is not sent, and another answer still may be") {
    const int status = GENERATE(-1, 0, 42, 100, 101, 103, 199, 600, 999, 1000, 2'000'000'000);
    const Told outcome = twice([&](Response& response) {
        CHECK_FALSE(response.send(status, "a"));
        CHECK_FALSE(response.start(status));
        CHECK(response.open());
        CHECK(response.send(404, "b"));
    });
    CHECK(outcome.answers == answer(404, "Not Found", "", "b") + answer(404, "Not Found", "", "b"));
    CHECK(contains(outcome.log, "from 200 to 599: \"" + std::to_string(status) + "\""));
    const Told none = twice([&](Response& response) { CHECK_FALSE(response.send(status, "a")); });
    CHECK(count(none.answers, "500 Internal Server Error") == 2);
    CHECK(contains(none.log, "without an answer"));
}

TEST_CASE("an answer begins once, and the first one counts") {
    const Told sent = twice([](Response& response) {
        CHECK(response.send(200, "first"));
        CHECK_FALSE(response.send(500, "second"));
        CHECK_FALSE(response.start(500));
        CHECK_FALSE(response.header("X-Late", "1"));
        CHECK_FALSE(response.write("more"));
        CHECK_FALSE(response.end());
        CHECK_FALSE(response.inform(103, {{"Link", "</a>"}}));
    });
    CHECK(sent.answers == answer(200, "OK", "", "first") + answer(200, "OK", "", "first"));
    CHECK(count(sent.log, "\n") == 5);
    const Told streamed = twice([](Response& response) {
        CHECK(response.start(200, 1));
        CHECK_FALSE(response.start(200, 1));
        CHECK_FALSE(response.send(500, "second"));
        CHECK_FALSE(response.header("X-Late", "1"));
        CHECK_FALSE(response.inform(103, {{"Link", "</a>"}}));
        CHECK(response.write("x"));
        CHECK(response.end());
        CHECK_FALSE(response.end());
        CHECK_FALSE(response.write("more"));
    });
    CHECK(streamed.answers == answer(200, "OK", "", "x") + answer(200, "OK", "", "x"));
    CHECK(count(streamed.log, "\n") == 5);
}

TEST_CASE("a second answer is told also when the first one has long been complete") {
    const CapturedLog log;
    std::optional<Response> kept;
    Wire wire([&](const Request&, Response response) {
        response.send(200, "x");
        kept = response;
    });
    wire.give(get("/"));
    CHECK_FALSE(kept->send(200, "again"));
    CHECK(wire.take().empty());
    CHECK(contains(log.text(), "after the answer began"));
}

TEST_CASE("a client that has gone is no mistake of the handler") {
    const CapturedLog log;
    std::optional<Response> kept;
    Wire wire([&](const Request&, Response response) { kept = response; });
    wire.give(get("/"));
    wire.protocol.abandon();
    CHECK_FALSE(kept->header("X", "1"));
    CHECK_FALSE(kept->inform(103, {}));
    CHECK_FALSE(kept->send(200, "x"));
    CHECK_FALSE(kept->start(200));
    CHECK_FALSE(kept->write("x"));
    CHECK_FALSE(kept->end());
    kept->close_after();
    kept.reset();
    CHECK(log.text().empty());
}

TEST_CASE("write() and end() without start() do nothing, and an answer still may be sent") {
    const Told outcome = twice([](Response& response) {
        CHECK_FALSE(response.write("x"));
        CHECK_FALSE(response.end());
        CHECK(response.send(200, "y"));
    });
    CHECK(outcome.answers == answer(200, "OK", "", "y") + answer(200, "OK", "", "y"));
    CHECK(count(outcome.log, "before start()") == 2);
}

TEST_CASE("a body that its status does not have is left out, and the handler is told") {
    const int status = GENERATE(204, 205, 304);
    const bool streams = GENERATE(false, true);
    const Told outcome = twice([&](Response& response) {
        if (streams) {
            CHECK_FALSE(response.start(status, 4));
            CHECK_FALSE(response.write("body"));
            CHECK(response.end());
        } else {
            CHECK_FALSE(response.send(status, "body"));
        }
    });
    CHECK(count(outcome.answers, "HTTP/1.1 " + std::to_string(status)) == 2);
    CHECK_FALSE(contains(outcome.answers, "body"));
    CHECK_FALSE(contains(outcome.answers, "Content-Type"));
    CHECK(count(outcome.answers, "Content-Length: 0\r\n") == (status == 205 ? 2 : 0));
    CHECK(contains(outcome.log, std::to_string(status)));
    CHECK(count(outcome.log, "\n") == 1);
    const Told empty = twice([&](Response& response) { CHECK(response.send(status, "")); });
    CHECK(empty.log.empty());
}

TEST_CASE("the answer to HEAD is made as that to GET, and that is no mistake") {
    const Told outcome = twice(
        [](Response& response) {
            CHECK(response.start(200, 4));
            response.write("body");
            CHECK(response.end());
        },
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(count(outcome.answers, "Content-Length: 4\r\n") == 2);
    CHECK(outcome.log.empty());
}

TEST_CASE("an answer that is not as long as it said is cut, and the handler is told") {
    const Told longer = twice([](Response& response) {
        CHECK(response.start(200, 3));
        CHECK_FALSE(response.write("four"));
    });
    CHECK_FALSE(contains(longer.answers, "four"));
    CHECK(contains(longer.log, "longer than the length"));
    const Told shorter = twice([](Response& response) {
        CHECK(response.start(200, 3));
        CHECK(response.write("ab"));
        CHECK_FALSE(response.end());
    });
    CHECK(contains(shorter.log, "shorter than the length"));
    const Told exact = twice([](Response& response) {
        CHECK(response.start(200, 3));
        CHECK(response.write("abc"));
        CHECK(response.end());
    });
    CHECK(exact.log.empty());
}

TEST_CASE("a handler that forgets to answer, or to end its answer, is logged") {
    CHECK(contains(twice([](Response&) {}).log, "dropped without an answer"));
    CHECK(contains(twice([](Response& response) { response.start(200); }).log, "dropped before end()"));
    CHECK(twice([](Response& response) { response.abort(); }).log.empty());
}

TEST_CASE("asking for the body after the answer is logged") {
    const CapturedLog log;
    Wire wire([](Request& request, Response response) {
        response.send(200, "");
        request.read_body(10, [](std::string_view, bool, Response&) { FAIL("nobody reads it"); });
    });
    wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    CHECK(wire.protocol.idle());
    CHECK(contains(log.text(), "read_body() after"));
}

TEST_CASE("what the log says of a client's bytes is harmless on a terminal") {
    const CapturedLog log;
    Wire wire([](const Request&, Response response) {
        response.header("X\x1b[2J", "1");
        response.send(200, "");
    });
    wire.give("G!T /\xe2\x80\xae%1b HTTP/1.1\r\nHost: a\r\n\r\n");
    Wire throws([](const Request&, const Response&) { throw std::runtime_error("\x1b]0;owned\x07"); });
    throws.give(get("/"));
    for (const char c : log.text()) CHECK((c == '\n' || static_cast<unsigned char>(c) >= ' '));
    CHECK(contains(log.text(), "\\x1b]0;owned\\x07"));
}

TEST_CASE("a handler may end the connection with its answer") {
    Wire wire([](const Request&, Response response) {
        response.close_after();
        response.send(200, "bye");
    });
    CHECK(undated(wire.give(get("/") + get("/again"))) == answer(200, "OK", "Connection: close\r\n", "bye"));
    CHECK(wire.protocol.finished());
    // Once the answer has begun, its head has been written.
    Wire late([](const Request&, Response response) {
        response.start(200, 1);
        response.close_after();
        response.write("x");
        response.end();
    });
    CHECK(undated(late.give(get("/"))) == answer(200, "OK", "", "x"));
    CHECK(late.protocol.finished());
}

TEST_CASE("what may come before an answer does, for clients that know it") {
    bool told = false;
    const auto handler = [&](const Request&, Response response) {
        told = response.inform(103, {{"Link", "</a.css>; rel=preload"}, {"X-B", "1"}});
        response.inform(102, {});
        response.send(200, "x");
    };
    Wire wire(handler);
    CHECK(undated(wire.give(get("/"))) ==
          "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-B: 1\r\n\r\n"
          "HTTP/1.1 102 Processing\r\n\r\n" +
              answer(200, "OK", "", "x"));
    CHECK(told);
    Wire old(handler);
    CHECK_FALSE(contains(old.give("GET / HTTP/1.0\r\n\r\n"), "HTTP/1.1 10"));
    CHECK_FALSE(told);

    const CapturedLog log;
    Wire wrong([](const Request&, Response response) {
        for (const int status : {-1, 0, 99, 100, 101, 200, 304}) CHECK_FALSE(response.inform(status, {}));
        CHECK_FALSE(response.inform(103, {{"Link", "</a>"}, {"Connection", "close"}}));
        CHECK_FALSE(response.inform(103, {{"Link", "</a>\r\n\r\nHTTP/1.1 200 OK"}}));
        response.send(200, "x");
    });
    CHECK(undated(wrong.give(get("/"))) == answer(200, "OK", "", "x"));
    CHECK(count(log.text(), "\n") == 3);
}
