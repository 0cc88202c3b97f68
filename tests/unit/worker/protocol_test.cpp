#include "worker/http/protocol.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/wire.h"

using sup::http::Request;
using sup::http::Response;
using sup::test::answer;
using sup::test::contains;
using sup::test::get;
using sup::test::undated;
using sup::test::Wire;

namespace {

// Answers with the target.
void tell_target(Request& request, Response response) {
    response.send(200, request.target());
}

void echo(Request& request, Response response) {
    request.read_body(1000, [](std::string_view piece, bool last, Response& out) {
        if (last) {
            out.end();
            return;
        }
        out.write(piece);
    });
    response.start(200, request.content_length());
}

// A client's view of how the connection goes on.
bool closes(const Wire& wire) {
    return wire.protocol.finished();
}

}  // namespace

TEST_CASE("a request gets its answer, and the connection is kept") {
    Wire wire(tell_target);
    CHECK(undated(wire.give(get("/a"))) == answer(200, "OK", "", "/a"));
    CHECK(wire.protocol.idle());
    CHECK(undated(wire.give(get("/b"))) == answer(200, "OK", "", "/b"));
    CHECK_FALSE(closes(wire));
    CHECK(wire.context.requests == 2);
}

TEST_CASE("pipelined requests are answered in order, and leave as one piece") {
    Wire wire(tell_target);
    wire.protocol.receive(get("/1") + get("/2") + get("/3"));
    CHECK(undated(std::string(wire.protocol.output())) ==
          answer(200, "OK", "", "/1") + answer(200, "OK", "", "/2") + answer(200, "OK", "", "/3"));
}

TEST_CASE("a later answer never overtakes an earlier one") {
    std::vector<Response> waiting;
    Wire wire([&](Request& request, Response response) {
        if (request.path() == "/slow") {
            waiting.push_back(response);
        } else {
            tell_target(request, response);
        }
    });
    CHECK(wire.give(get("/slow") + get("/quick")).empty());
    CHECK(wire.protocol.unconsumed() == get("/quick"));
    waiting[0].send(200, "at last");
    CHECK(undated(wire.take()) == answer(200, "OK", "", "at last") + answer(200, "OK", "", "/quick"));
    CHECK(wire.protocol.idle());
}

// Or a handler that adds to a list would change it under whoever walks it to answer.
TEST_CASE("no handler and no callback is called before a function of a Response returns") {
    std::vector<Response> waiting;
    bool inside = false;
    std::vector<std::string> called;
    const auto call = [&](const std::string& what) {
        CHECK_FALSE(inside);
        called.push_back(what);
    };
    Request* asked = nullptr;
    const auto handle = [&](Request& request, Response response) {
        call(std::string(request.path()));
        asked = &request;
        response.on_gone([&] { call("gone"); });
        waiting.push_back(std::move(response));
    };
    sup::http::Options options;
    options.on_finished = [&](const sup::http::Finished&) { call("finished"); };
    Wire wire(handle, options);
    const auto act = [&](auto action) {
        inside = true;
        action(waiting.front());
        inside = false;
    };
    const std::string upload = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

    SECTION("an answer, with the next request behind it") {
        wire.give(get("/1") + get("/2"));
        act([](Response& response) { response.send(200, "one"); });
        CHECK(called == std::vector<std::string>{"/1"});
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "finished", "/2"});
    }
    SECTION("the end of a streamed one") {
        wire.give(get("/1") + get("/2"));
        act([](Response& response) { response.start(200); });
        act([](Response& response) { response.write("piece"); });
        act([](Response& response) { response.end(); });
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "finished", "/2"});
    }
    SECTION("one that is dropped") {
        wire.give(get("/1") + get("/2"));
        inside = true;
        waiting.clear();
        inside = false;
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "finished", "/2"});
    }
    SECTION("one that is cut") {
        wire.give(get("/1") + get("/2"));
        act([](Response& response) { response.abort(); });
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "finished", "gone"});
    }
    SECTION("one that cannot be kept to") {
        wire.give(get("/1") + get("/2"));
        act([](Response& response) { response.start(200, 3); });
        act([](Response& response) { response.write("too much"); });
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "finished", "gone"});
    }
    SECTION("a body that is asked for later") {
        wire.give(upload);
        act([&](Response&) {
            asked->read_body(4, [&](std::string_view piece, bool, Response&) { call(std::string(piece)); });
        });
        CHECK(called == std::vector<std::string>{"/upload"});
        wire.take();
        CHECK(called == std::vector<std::string>{"/upload", "body", ""});
    }
    SECTION("a body that was held back") {
        wire.give(upload);
        act([&](Response& response) {
            response.pause_body();
            asked->read_body(4, [&](std::string_view piece, bool, Response&) { call(std::string(piece)); });
        });
        wire.take();
        CHECK(called == std::vector<std::string>{"/upload"});
        act([](Response& response) { response.resume_body(); });
        CHECK(called == std::vector<std::string>{"/upload"});
        wire.take();
        CHECK(called == std::vector<std::string>{"/upload", "body", ""});
    }
    SECTION("one who waits for room, and has it") {
        wire.give(get("/1"));
        act([&](Response& response) { response.on_writable([&](Response&) { call("writable"); }); });
        CHECK(called == std::vector<std::string>{"/1"});
        wire.take();
        CHECK(called == std::vector<std::string>{"/1", "writable"});
    }
    waiting.clear();
}

TEST_CASE("it does not matter where the bytes of requests are cut") {
    const std::string requests =
        get("/1") + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + "\r\n" +
        "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
        "HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n" + get("/last", "Connection: close\r\n");
    const auto handler = [](Request& request, Response response) {
        if (request.path() == "/echo") return echo(request, response);
        tell_target(request, response);
    };
    Wire whole(handler);
    const std::string expected = undated(whole.give(requests));
    REQUIRE(contains(expected, "hello"));
    REQUIRE(contains(expected, "/last"));
    REQUIRE(closes(whole));
    for (std::size_t cut = 1; cut < requests.size(); ++cut) {
        Wire wire(handler);
        const std::string first = wire.give(std::string_view(requests).substr(0, cut));
        CAPTURE(cut);
        CHECK(undated(first + wire.give(std::string_view(requests).substr(cut))) == expected);
    }
    Wire wire(handler);
    std::string all;
    for (const char c : requests) all += wire.give({&c, 1});
    CHECK(undated(all) == expected);
}

TEST_CASE("the answer to HEAD tells the length and has no body") {
    Wire wire(tell_target);
    const std::string head = wire.give("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(contains(head, "Content-Length: 4\r\n"));
    CHECK(head.substr(head.size() - 4) == "\r\n\r\n");
    CHECK(undated(wire.give(get("/next"))) == answer(200, "OK", "", "/next"));
}

TEST_CASE("a refusal of HEAD has no body either, whoever refuses, and is told without one") {
    const auto [request, status] = GENERATE(table<std::string, std::string>({
        {"HEAD / HTTP/1.1\r\n\r\n", "400"},
        {"HEAD /throws HTTP/1.1\r\nHost: a\r\n\r\n", "500"},
        {"HEAD /drops HTTP/1.1\r\nHost: a\r\n\r\n", "500"},
        {"HEAD /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", "413"},
        {"HEAD /late HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "408"},
        {"HEAD / HTTP/1.1\r\nHost: a\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", "431"},
        {"HEAD / HT", "408"},
    }));
    sup::http::Options options;
    std::uint64_t told = 1;
    options.on_finished = [&](const sup::http::Finished& finished) { told = finished.bytes_sent; };
    Wire wire(
        [](Request& asked, Response) {
            if (asked.path() == "/throws") throw std::runtime_error("x");
            if (asked.path() != "/drops") asked.read_body(10, [](std::string_view, bool, Response&) {});
        },
        options);
    std::string received = wire.give(request);
    if (status == "408") {
        wire.protocol.time_out();
        received += wire.take();
    }
    CHECK(received.substr(9, 3) == status);
    CHECK(received.find("\r\n\r\n") == received.size() - 4);
    wire.protocol.abandon();
    CHECK(told == 0);
}

TEST_CASE("an answer that may have no body is complete when it is started, and its handler can tell") {
    const auto [method, status] =
        GENERATE(std::pair{"HEAD", 200}, std::pair{"GET", 204}, std::pair{"GET", 205}, std::pair{"GET", 304});
    std::vector<Response> kept;
    int drained = 0;
    Wire wire([&, code = status](Request&, Response response) {
        CHECK(response.open());
        response.start(code);
        CHECK_FALSE(response.open());
        CHECK_FALSE(response.write("nothing of this is sent"));
        response.on_writable([&](Response&) { ++drained; });
        kept.push_back(response);
    });
    const std::string request = std::string(method) + " / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string text = wire.give(request + request);
    CHECK(wire.context.requests == 2);
    CHECK(wire.context.unanswered == 0);
    CHECK_FALSE(contains(text, "nothing"));
    CHECK(text.substr(text.size() - 4) == "\r\n\r\n");
    kept[0].end();
    CHECK(wire.take().empty());
    CHECK(wire.protocol.idle());
    CHECK(drained == 0);
}

TEST_CASE("a request's body is read to its end although its answer may have none") {
    std::string got;
    const bool ends = GENERATE(true, false);
    Wire wire([&](Request& request, Response response) {
        response.start(204);
        CHECK_FALSE(response.open());
        CHECK_FALSE(response.write("x"));
        request.read_body(100, [&](std::string_view piece, bool last, Response& out) {
            got += piece;
            if (last && ends) out.end();
        });
    });
    std::string text = wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    text += wire.give("def");
    CHECK(got == "abcdef");
    CHECK(contains(text, "204 No Content"));
    CHECK(wire.protocol.idle());
    CHECK(wire.context.unanswered == 0);
}

TEST_CASE("HTTP/1.0 is closed after the answer, unless it asks to be kept") {
    Wire closing(tell_target);
    CHECK(contains(closing.give("GET / HTTP/1.0\r\n\r\n"), "Connection: close\r\n"));
    CHECK(closes(closing));
    Wire kept(tell_target);
    CHECK(contains(kept.give("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
                   "Connection: keep-alive\r\n"));
    CHECK(kept.protocol.idle());
}

TEST_CASE("a stream to an HTTP/1.0 client ends with the connection, and a cut one is told apart") {
    std::optional<Response> stream;
    const auto start = [&](Request&, Response response) {
        response.start(200);
        response.write("a");
        stream = response;
    };
    Wire whole(start);
    const std::string text = whole.give("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(contains(text, "Connection: close\r\n"));
    CHECK_FALSE(contains(text, "Transfer-Encoding"));
    stream->end();
    whole.turn();
    CHECK(closes(whole));
    CHECK_FALSE(whole.protocol.cut_unnoticeably());

    Wire cut(start);
    cut.give("GET / HTTP/1.0\r\n\r\n");
    stream->abort();
    cut.turn();
    CHECK(closes(cut));
    CHECK(cut.protocol.cut_unnoticeably());
    stream.reset();
}

TEST_CASE("Connection: close is honoured, and nothing after it is answered") {
    Wire wire(tell_target);
    CHECK(undated(wire.give(get("/a", "Connection: close\r\n") + get("/b"))) ==
          answer(200, "OK", "Connection: close\r\n", "/a"));
    CHECK(closes(wire));
    // There were bytes left that a plain close would answer with a reset.
    CHECK(wire.protocol.linger());
}

TEST_CASE("after a body the client's end is waited for: some send an empty line behind it") {
    Wire wire(echo);
    wire.give("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
    CHECK(closes(wire));
    CHECK(wire.protocol.linger());
}

TEST_CASE("a body comes back as it was sent: by length and in chunks") {
    Wire wire(echo);
    CHECK(undated(wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")) ==
          answer(200, "OK", "", "hello"));
    const std::string chunked = wire.give(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    CHECK(contains(chunked, "Transfer-Encoding: chunked\r\n"));
    CHECK(contains(chunked, "\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"));
    CHECK(wire.protocol.idle());
}

TEST_CASE("a client that waits for 100 Continue gets it when the body is wanted") {
    Wire wire(echo);
    CHECK(
        contains(wire.give("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK(wire.give("hi") == "hi");
    CHECK(wire.protocol.idle());
    Wire old(echo);
    CHECK(undated(old.give("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"))
              .starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a client that waits for 100 Continue in vain is told that the connection ends") {
    Wire wire([](Request&, Response response) { response.send(403, "no"); });
    const std::string text =
        wire.give("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(contains(text, "403 Forbidden"));
    CHECK(contains(text, "Connection: close\r\n"));
    CHECK(closes(wire));
}

TEST_CASE("a body above the limit is refused before it is read, a chunked one when it gets there") {
    Wire declared(echo);
    const std::string text = declared.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n");
    CHECK(contains(text, "413 Content Too Large"));
    CHECK(contains(text, "Connection: close\r\n"));
    CHECK(closes(declared));

    int pieces = 0;
    Wire chunked([&](Request& request, Response) {
        request.read_body(4, [&](std::string_view, bool, Response&) { ++pieces; });
    });
    CHECK(contains(
        chunked.give(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n"),
        "413"));
    CHECK(pieces == 1);
    CHECK(closes(chunked));

    const auto exactly = [](const std::string& request) {
        Wire wire([](Request& asked, Response) {
            asked.read_body(4, [](std::string_view, bool last, Response& out) {
                if (last) out.send(200, "");
            });
        });
        return contains(wire.give(request), "200 OK");
    };
    CHECK(exactly("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"));
    CHECK(exactly(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"));
}

TEST_CASE(
    "a body that nobody reads is passed over when it is short, and ends the connection when it is long") {
    Wire wire(tell_target);
    CHECK(undated(wire.give("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/b"))) ==
          answer(200, "OK", "", "/a") + answer(200, "OK", "", "/b"));
    CHECK(contains(wire.give("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"),
                   "Connection: close\r\n"));
    CHECK(closes(wire));
    CHECK(wire.protocol.linger());
}

TEST_CASE("bad bytes are refused after the good requests before them were answered") {
    Wire wire(tell_target);
    const std::string text = undated(wire.give(get("/a") + "NONSENSE\r\n\r\n" + get("/b")));
    CHECK(text.find(answer(200, "OK", "", "/a")) == 0);
    CHECK(contains(text, "HTTP/1.1 400 Bad Request\r\n"));
    CHECK(contains(text, "Connection: close\r\n"));
    CHECK_FALSE(contains(text, "/b"));
    CHECK(closes(wire));
    CHECK(wire.protocol.linger());
}

TEST_CASE(
    "bad framing in the midst of a body: 400 where nothing was answered, a cut where an answer had begun") {
    const std::string bytes =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n";
    std::optional<Response> kept;
    int gone = 0;
    Wire silent([&](Request& request, Response response) {
        request.read_body(100, [](std::string_view, bool, Response&) {});
        response.on_gone([&] { ++gone; });
        kept = response;
    });
    CHECK(contains(silent.give(bytes), "400 Bad Request"));
    CHECK(closes(silent));
    CHECK_FALSE(kept->open());
    CHECK(gone == 1);
    CHECK(silent.context.unanswered == 0);
    kept.reset();

    Wire begun(echo);
    const std::string text = begun.give(bytes);
    CHECK(begun.context.unanswered == 1);
    CHECK(contains(text, "200 OK"));
    CHECK_FALSE(contains(text, "400"));
    CHECK_FALSE(contains(text, "\r\n0\r\n\r\n"));
    CHECK(closes(begun));
}

TEST_CASE("a handler whose request is refused in its midst hears that its answer is not wanted") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
    const auto [bytes, status] =
        GENERATE_COPY(std::pair{head + "Content-Length: 10\r\n\r\nabc", "408 Request Timeout"},
                      std::pair{head + "Content-Length: 11\r\n\r\n", "413 Content Too Large"},
                      std::pair{head + "Transfer-Encoding: chunked\r\n\r\nb\r\nhello world", "413"},
                      std::pair{head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400 Bad Request"});
    int gone = 0;
    const bool begins = GENERATE(false, true);
    Wire wire([&](Request& request, Response response) {
        response.on_gone([&] { ++gone; });
        if (begins) response.start(200, 0);
        request.read_body(10, [](std::string_view, bool, Response&) {});
        request.read_body(10, [](std::string_view, bool, Response&) {});
    });
    std::string text = wire.give(bytes);
    if (!wire.protocol.ending()) {
        wire.protocol.time_out();
        text += wire.take();
    }
    CAPTURE(bytes, begins);
    CHECK(gone == 1);
    CHECK(contains(text, status) != begins);
    CHECK(text.find("HTTP/1.1", 1) == std::string::npos);
    CHECK(wire.context.unanswered == (begins ? 1 : 0));
    CHECK(closes(wire));
}

TEST_CASE("a refusal in the midst of a stream to an HTTP/1.0 client cuts it unmistakably") {
    Wire wire([](Request& request, Response response) {
        response.start(200);
        request.read_body(100, [](std::string_view, bool, Response&) {});
    });
    wire.give("POST / HTTP/1.0\r\nContent-Length: 10\r\n\r\nabc");
    wire.protocol.time_out();
    wire.take();
    CHECK(closes(wire));
    CHECK(wire.protocol.cut_unnoticeably());
}

TEST_CASE("a handler that forgets to answer gives a 500, one that drops a stream cuts it") {
    Wire forgetful([](Request&, Response) {});
    CHECK(contains(forgetful.give(get("/")), "500 Internal Server Error"));
    CHECK(forgetful.protocol.idle());

    std::optional<Response> kept;
    Wire later([&](Request&, Response response) { kept = response; });
    CHECK(later.give(get("/")).empty());
    kept.reset();
    CHECK(contains(later.take(), "500 Internal Server Error"));
    CHECK(later.protocol.idle());

    Wire dropped([](Request&, Response response) {
        response.start(200);
        response.write("half");
    });
    const std::string text = dropped.give(get("/"));
    CHECK(contains(text, "half"));
    CHECK_FALSE(contains(text, "\r\n0\r\n\r\n"));
    CHECK(closes(dropped));

    Wire reader(
        [](Request& request, Response) { request.read_body(10, [](std::string_view, bool, Response&) {}); });
    CHECK(contains(reader.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"),
                   "500 Internal Server Error"));
    CHECK(reader.protocol.idle());
}

TEST_CASE("what a handler throws costs its own request, and nothing else") {
    Wire wire([](Request& request, Response response) {
        if (request.path() == "/before") throw std::runtime_error("before the answer");
        response.send(200, "whole");
        if (request.path() == "/after") throw 1;
    });
    CHECK(contains(wire.give(get("/before")), "500 Internal Server Error"));
    CHECK(undated(wire.give(get("/after"))) == answer(200, "OK", "", "whole"));
    CHECK(undated(wire.give(get("/"))) == answer(200, "OK", "", "whole"));
    CHECK(wire.protocol.idle());
}

TEST_CASE("what a callback throws ends its request: with 500, or cut where the answer had begun") {
    const bool begins = GENERATE(false, true);
    const std::string where =
        GENERATE("handler", "piece", "end", "drain", "half-closed", "half-closed later");
    CAPTURE(begins, where);
    std::optional<Response> kept;
    int gone = 0;
    const auto fail = [&](bool here) {
        if (here) throw std::runtime_error("in " + where);
    };
    Wire wire([&](Request& request, Response response) {
        kept = response;
        response.on_gone([&] {
            ++gone;
            fail(true);
        });
        request.read_body(
            10, [&](std::string_view, bool last, Response&) { fail(where == (last ? "end" : "piece")); });
        if (where == "drain") response.on_writable([&](Response&) { fail(true); });
        if (where == "half-closed") response.on_half_closed([&](Response&) { fail(true); });
        if (begins) response.start(200);
        fail(where == "handler");
    });
    std::string text = wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    if (contains(where, "half-closed")) wire.protocol.receive_end();
    if (where == "half-closed later") kept->on_half_closed([&](Response&) { fail(true); });
    text += wire.take();
    CHECK(contains(text, "500 Internal Server Error") != begins);
    CHECK_FALSE(contains(text, "\r\n0\r\n\r\n"));
    CHECK(gone == 1);
    CHECK_FALSE(kept->open());
    CHECK(closes(wire));
}

TEST_CASE("a response outlives its client, and does nothing any more") {
    std::optional<Response> kept;
    int gone = 0;
    {
        Wire wire([&](Request&, Response response) {
            response.on_gone([&] { ++gone; });
            kept = response;
        });
        wire.give(get("/"));
        CHECK(kept->open());
        wire.protocol.abandon();
        CHECK(gone == 1);
        CHECK_FALSE(kept->open());
        kept->send(200, "too late");
        CHECK(wire.take().empty());
    }
    CHECK(gone == 1);
    kept->start(200);
    CHECK_FALSE(kept->write("x"));
    kept->end();
    kept->abort();
    kept->resume_body();
    kept.reset();
}

TEST_CASE("an exchange that is still held is not used for the next request") {
    std::vector<Response> kept;
    Wire wire([&](Request& request, Response response) {
        kept.push_back(response);
        tell_target(request, response);
    });
    CHECK(contains(wire.give(get("/1")), "/1"));
    CHECK(contains(wire.give(get("/2")), "/2"));
    kept[0].send(200, "again");
    CHECK(wire.take().empty());
}

TEST_CASE("when the client does not take its answer, nothing more is read and memory is bounded") {
    sup::http::Options options;
    options.output_high_water = 10'000;
    Wire wire([](Request&, Response response) { response.send(200, std::string(1000, 'x')); }, options);
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += get("/");
    wire.protocol.receive(flood);
    CHECK(wire.protocol.output().size() < 12'000);
    CHECK_FALSE(wire.protocol.wants_input());
    const std::string all = wire.take();
    CHECK(wire.protocol.idle());
    CHECK(wire.context.requests == 1000);
    CHECK(all.size() > 1'000'000);
}

TEST_CASE("a streamed answer waits for the client to take it") {
    sup::http::Options options;
    options.output_high_water = 10'000;
    int written = 0;
    std::function<void(Response&)> fill = [&](Response& response) {
        while (written < 100) {
            ++written;
            if (!response.write(std::string(1000, 'x'))) break;
        }
        if (written == 100) {
            response.end();
            return;
        }
        response.on_writable(fill);
    };
    Wire wire(
        [&](Request&, Response response) {
            response.start(200);
            fill(response);
        },
        options);
    wire.protocol.receive(get("/") + get("/again"));
    CHECK(written < 15);
    CHECK(wire.protocol.output().size() < 12'000);
    const std::string all = wire.take();
    CHECK(written == 100);
    CHECK(contains(all, "\r\n0\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_CASE("a body is held back while its handler asks for that") {
    std::string got;
    std::optional<Response> kept;
    Wire wire([&](Request& request, Response response) {
        kept = response;
        request.read_body(100'000, [&](std::string_view piece, bool last, Response& out) {
            got += piece;
            if (last) {
                out.send(200, "done");
                return;
            }
            out.pause_body();
        });
    });
    wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n" + std::string(20'000, 'x'));
    CHECK(got.size() == 20'000);
    wire.protocol.receive(std::string(20'000, 'y'));
    CHECK(got.size() == 20'000);
    CHECK_FALSE(wire.protocol.wants_input());
    kept->resume_body();
    wire.turn();
    CHECK(got.size() == 40'000);
    CHECK(wire.protocol.wants_input());
    wire.protocol.receive(std::string(20'000, 'z'));
    kept->resume_body();
    wire.turn();
    CHECK(got.size() == 60'000);
    kept->resume_body();
    CHECK(contains(wire.take(), "done"));
    CHECK(wire.protocol.idle());
}

TEST_CASE("a large piece is sent from where it lies, and only the rest is kept") {
    const std::string body(100'000, 'b');
    const std::size_t takes = GENERATE(0U, 10U, 200U, 50'000U, 1'000'000U);
    Wire wire([&](Request&, Response response) {
        response.start(200);
        response.write(body);
        response.end();
    });
    wire.sends_now = takes;
    const std::string text = wire.give(get("/"));
    CAPTURE(takes);
    CHECK(contains(text, "\r\n\r\n186a0\r\n" + body + "\r\n0\r\n\r\n"));
}

TEST_CASE("a client that has sent everything and shut its side gets its answers") {
    std::optional<Response> kept;
    Wire wire([&](Request& request, Response response) {
        if (request.path() == "/slow") {
            kept = response;
        } else {
            tell_target(request, response);
        }
    });
    wire.give(get("/slow") + get("/b"));
    wire.protocol.receive_end();
    CHECK_FALSE(wire.protocol.finished());
    CHECK_FALSE(wire.protocol.wants_input());
    kept->send(200, "a");
    const std::string text = wire.take();
    CHECK(contains(text, "\r\n\r\na"));
    CHECK(contains(text, "/b"));
    CHECK(wire.protocol.finished());
    CHECK_FALSE(wire.protocol.linger());
}

TEST_CASE("a handler hears that its client has ended its side, and may answer still") {
    std::optional<Response> kept;
    int told = 0;
    const auto tell = [&](Response& response) {
        CHECK(response.open());
        ++told;
    };
    Wire wire([&](Request&, Response response) {
        response.on_half_closed(tell);
        kept = response;
    });
    wire.give(get("/"));
    CHECK(told == 0);
    wire.protocol.receive_end();
    CHECK(told == 1);
    // Set when it is so already, it is called at once.
    kept->on_half_closed(tell);
    CHECK(told == 2);
    kept->on_half_closed([](Response& response) { response.send(200, "early"); });
    CHECK(contains(wire.take(), "early"));
    CHECK(closes(wire));
    kept->on_half_closed(tell);
    CHECK(told == 2);
}

TEST_CASE("requests that get no whole answer are counted") {
    std::optional<Response> kept;
    Wire wire(tell_target);
    wire.give(get("/"));
    wire.give("GET / HT");
    wire.protocol.abandon();
    CHECK(wire.context.unanswered == 0);
    Wire cut([](Request&, Response response) { response.start(200); });
    cut.give(get("/"));
    CHECK(cut.context.unanswered == 1);
    Wire gone([&](Request&, Response response) { kept = response; });
    gone.give(get("/"));
    gone.protocol.abandon();
    CHECK(gone.context.unanswered == 1);
}

TEST_CASE("a client that goes in the midst of a message ends the connection, and the handler hears of it") {
    Wire idle(tell_target);
    idle.protocol.receive_end();
    CHECK(idle.protocol.finished());

    Wire in_head(tell_target);
    in_head.give("GET / HT");
    in_head.protocol.receive_end();
    CHECK(in_head.protocol.finished());
    CHECK(in_head.take().empty());

    int gone = 0;
    Wire in_body([&](Request& request, Response response) {
        request.read_body(100, [](std::string_view, bool, Response&) {});
        response.on_gone([&] { ++gone; });
    });
    in_body.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    in_body.protocol.receive_end();
    CHECK(in_body.protocol.finished());
    CHECK(gone == 1);
}

TEST_CASE("while draining, the answer to the last request that is here says Connection: close") {
    Wire wire(tell_target);
    CHECK_FALSE(contains(wire.give(get("/before")), "Connection"));
    wire.context.draining = true;
    CHECK_FALSE(closes(wire));
    const std::string text = undated(
        wire.give(get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/3")));
    CHECK(text == answer(200, "OK", "", "/1") + answer(200, "OK", "", "/2") +
                      answer(200, "OK", "Connection: close\r\n", "/3"));
    CHECK(closes(wire));
    CHECK(wire.protocol.linger());
}

TEST_CASE("while draining, a request with a body says Connection: close, too") {
    Wire wire(echo);
    wire.context.draining = true;
    CHECK(contains(wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
                   "Connection: close\r\n"));
    CHECK(closes(wire));
}

TEST_CASE("a handler cannot contradict the headers that are the library's, and names its type once") {
    Wire wire([](Request&, Response response) {
        response.header("content-length", "3");
        response.header("Transfer-Encoding", "chunked");
        response.header("Connection", "keep-alive");
        response.header("DATE", "now");
        for (const char* no_name :
             {"Content-Length ", " Date", "Connection:", "X\r\nEvil", "X\tY", "\xc3\xa4", ""}) {
            response.header(no_name, "3");
        }
        response.header("content-type", "text/html");
        response.send(200, "body");
    });
    CHECK(undated(wire.give(get("/"))) ==
          "HTTP/1.1 200 OK\r\nDate: \r\nContent-Length: 4\r\ncontent-type: text/html\r\n\r\nbody");
}

TEST_CASE("an answer longer or shorter than it promised cuts the connection") {
    Wire longer([](Request&, Response response) {
        response.start(200, 3);
        response.write("abcd");
        response.end();
    });
    longer.give(get("/"));
    CHECK(closes(longer));
    Wire shorter([](Request&, Response response) {
        response.start(200, 3);
        response.write("ab");
        response.end();
    });
    shorter.give(get("/"));
    CHECK(closes(shorter));
}

TEST_CASE("after a handler gave up, nothing of it is sent any more") {
    bool gone = false;
    Wire at_once([&](Request&, Response response) {
        response.on_gone([&] { gone = true; });
        response.abort();
        CHECK_FALSE(response.open());
        response.send(200, "too late");
    });
    CHECK(at_once.give(get("/")).empty());
    CHECK(closes(at_once));
    CHECK(gone);
    Wire midway([](Request&, Response response) {
        response.start(200);
        response.write("a part");
        response.abort();
        CHECK_FALSE(response.write("too late"));
        response.end();
    });
    const std::string text = midway.give(get("/"));
    CHECK(text.substr(text.size() - 8) == "a part\r\n");
    CHECK(closes(midway));
    Wire beyond_its_length([](Request&, Response response) {
        response.start(200, 3);
        CHECK_FALSE(response.write("four"));
        CHECK_FALSE(response.write("two"));
    });
    CHECK_FALSE(contains(beyond_its_length.give(get("/")), "two"));
}

TEST_CASE("a client that is too slow gets a 408, unless its answer has begun") {
    Wire in_head(tell_target);
    in_head.give("GET /");
    CHECK(in_head.protocol.waiting() == sup::http::Protocol::Waiting::head);
    in_head.protocol.time_out();
    CHECK(contains(in_head.take(), "408 Request Timeout"));
    CHECK(closes(in_head));

    Wire in_body(
        [](Request& request, Response) { request.read_body(100, [](std::string_view, bool, Response&) {}); });
    in_body.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    CHECK(in_body.protocol.waiting() == sup::http::Protocol::Waiting::body);
    in_body.protocol.time_out();
    CHECK(contains(in_body.take(), "408 Request Timeout"));
    CHECK(closes(in_body));

    Wire begun(echo);
    CHECK(contains(begun.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"), "200 OK"));
    begun.protocol.time_out();
    CHECK(begun.take().empty());
    CHECK(closes(begun));
}

TEST_CASE("at a message boundary a connection can tell what it read but did not use") {
    std::optional<Response> kept;
    Wire wire([&](Request& request, Response response) {
        if (request.path() == "/slow") {
            kept = response;
        } else {
            tell_target(request, response);
        }
    });
    CHECK(wire.protocol.at_boundary());
    CHECK(wire.protocol.unconsumed().empty());
    wire.give(get("/a") + "GET /b HT");
    CHECK(wire.protocol.at_boundary());
    CHECK(wire.protocol.unconsumed() == "GET /b HT");
    wire.give("TP/1.1\r\nHost: a\r\n\r\n" + get("/slow") + "GET");
    CHECK_FALSE(wire.protocol.at_boundary());
    kept->send(200, "x");
    CHECK_FALSE(wire.protocol.at_boundary());
    wire.turn();
    CHECK_FALSE(wire.protocol.at_boundary());  // the answer has not left yet
    wire.take();
    CHECK(wire.protocol.at_boundary());
    CHECK(wire.protocol.unconsumed() == "GET");
    wire.protocol.receive_end();
    CHECK_FALSE(wire.protocol.at_boundary());  // nobody else would see that end
}

TEST_CASE("a request tells its parts") {
    bool seen = false;
    Wire wire([&](Request& request, Response response) {
        seen = true;
        CHECK(request.method() == sup::http::Method::get);
        CHECK(request.method_name() == "GET");
        CHECK(request.target() == "/a/b?x=1&flag&y=2");
        CHECK(request.path() == "/a/b");
        CHECK(request.query() == "x=1&flag&y=2");
        CHECK(request.query_value("y") == "2");
        CHECK(request.query_value("flag") == "");
        CHECK_FALSE(request.query_value("z"));
        CHECK(request.header("x-thing") == "some value");
        CHECK_FALSE(request.header("x-other"));
        CHECK(request.header_count() == 2);
        CHECK_FALSE(request.has_body());
        CHECK_FALSE(request.content_length());
        response.send(204, "");
    });
    const std::string text = wire.give(get("/a/b?x=1&flag&y=2", "X-Thing: \t some value \r\n"));
    CHECK(seen);
    CHECK(contains(text, "204 No Content"));
    CHECK_FALSE(contains(text, "Content-"));
}

TEST_CASE("a target with scheme and host has the path of its end") {
    std::string path;
    Wire wire([&](Request& request, Response response) {
        path = request.path();
        response.send(200, "");
    });
    wire.give(get("http://host:80/a/b?c=d"));
    CHECK(path == "/a/b");
    wire.give(get("http://host?c"));
    CHECK(path == "/");
    wire.give("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(path == "*");
}

TEST_CASE("an answer that asks while the worker drains is told at once, once, however its request came") {
    int told = 0;
    std::vector<std::string> asked;
    Wire wire([&](Request& request, Response response) {
        asked.emplace_back(request.target());
        const auto tell = [&told](Response& out, const sup::worker::Drain&) {
            ++told;
            out.send(200, "bye");
        };
        if (request.has_body()) {
            return request.read_body(10, [tell](std::string_view, bool last, Response& out) {
                if (last) out.on_drain(tell);
            });
        }
        response.on_drain(tell);
        CHECK_FALSE(response.open());
        CHECK(request.target() == asked.back());
    });
    wire.context.draining = true;
    const std::string all =
        get("/1") + "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/3");
    const std::size_t cut = GENERATE_COPY(range(std::size_t{0}, all.size(), std::size_t{7}));
    std::string text = wire.give(all.substr(0, cut));
    text += wire.give(all.substr(cut));
    CAPTURE(cut, text);
    // Whichever request is the last one that is here ends the connection.
    REQUIRE(told >= 1);
    CHECK(told == static_cast<int>(asked.size()));
    for (std::size_t i = 0; i < asked.size(); ++i) CHECK(asked[i] == "/" + std::to_string(i + 1));
    CHECK(closes(wire));
}

TEST_CASE("a reader may give the rest of the body to another reader while it runs") {
    const std::string big(100, 'k');
    std::string first;
    std::string second;
    Request* asked = nullptr;
    Wire wire([&](Request& request, const Response&) {
        asked = &request;
        request.read_body(100, [&, big](std::string_view piece, bool, Response&) {
            asked->read_body(100, [&, big](std::string_view rest, bool last, Response& out) {
                second.append(rest);
                if (last) out.send(200, second);
            });
            // What it has captured is still its own.
            first.append(piece).append(big);
        });
    });
    wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
    CHECK(first == "abc" + big);
    const std::string text = wire.give("def");
    CHECK(contains(text, "def"));
    CHECK_FALSE(contains(text, "Connection: close"));
    CHECK(second == "def");
}

TEST_CASE("an answer given while a body is read keeps the connection, and the rest is read away") {
    Wire wire([](Request& request, const Response&) {
        request.read_body(1'000'000, [](std::string_view, bool last, Response& out) {
            if (!last) out.send(200, "enough");
        });
    });
    const std::string text = wire.give("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nabc");
    CHECK(contains(text, "enough"));
    CHECK_FALSE(contains(text, "Connection: close"));
}
