#include "sup/http/request.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"
#include "tests/unit/worker/wire.h"
#include "worker/http/poison.h"

using sup::http::Request;
using sup::http::Response;
using sup::test::Client;
using sup::test::contains;
using sup::test::get;
using sup::test::RunningServer;
using sup::test::Wire;

namespace {

// What a handler keeps of its request: views, and not copies.
struct Kept {
    std::string_view target;
    std::string_view secret;
    std::optional<Response> response;

    Kept(const Request& request, const Response& answer)
        : target(request.target()), secret(request.header("X-Secret").value_or("")), response(answer) {}
};

std::string told(const Kept& kept) {
    return std::string(kept.target) + " " + std::string(kept.secret) + " " +
           std::string(kept.response->request().path());
}

}  // namespace

TEST_CASE("views of a request are the request's own when its answer is late, whatever others send") {
    std::vector<Kept> kept;
    Wire wire([&](Request& request, const Response& response) { kept.emplace_back(request, response); });
    {
        // The buffer that the head came in is used again.
        std::string bytes = get("/mine?a=b", "X-Secret: sesame\r\n");
        wire.give(bytes);
        bytes.assign(bytes.size(), 'x');
    }
    Wire other([](const Request&, Response response) { response.send(200, ""); });
    for (int i = 0; i < 10; ++i) other.give(get("/theirs", "X-Secret: another\r\n"));
    REQUIRE(kept.size() == 1);
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    kept[0].response->send(200, kept[0].secret);
    CHECK(contains(wire.take(), "sesame"));
    // The answer is complete, and the next request has the connection: this one's Response is still there.
    wire.give(get("/next", "X-Secret: changed\r\n"));
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    wire.protocol.abandon();
    CHECK(told(kept[0]) == "/mine?a=b sesame /mine");
    CHECK(told(kept[1]) == "/next changed /next");
}

TEST_CASE("views of a request are the request's own in the callback that reads its body, and in on_gone") {
    std::string in_reader;
    std::string in_gone;
    Wire wire([&](Request& request, Response response) {
        const std::string_view secret = request.header("X-Secret").value_or("");
        request.read_body(1000, [&, secret](std::string_view, bool last, Response& out) {
            if (!last) return;
            in_reader = secret;
            CHECK(out.request().header("X-Secret") == secret);
            out.send(200, secret);
        });
        response.on_gone([&, secret] { in_gone = std::string(secret) + std::string(request.target()); });
    });
    const std::string head = "POST /up HTTP/1.1\r\nHost: a\r\nX-Secret: sesame\r\nContent-Length: 20\r\n\r\n";
    wire.give(head);
    // Long enough to take the place of the head in any buffer.
    wire.give(std::string(10, 'b'));
    CHECK(contains(wire.give(std::string(10, 'b')), "sesame"));
    CHECK(in_reader == "sesame");
    wire.give(head);
    wire.protocol.abandon();
    CHECK(in_gone == "sesame/up");
}

TEST_CASE("what a handler keeps of a request is never another client's") {
    std::vector<Kept> kept;
    RunningServer server([&](Request& request, Response response) {
        if (request.path() == "/answer") {
            std::string all;
            for (const Kept& one : kept) all += told(one) + "\n";
            for (Kept& one : kept) one.response->send(200, one.secret);
            kept.clear();
            response.send(200, all);
            return;
        }
        if (request.path() != "/keep") {
            response.send(200, "");
            return;
        }
        if (!request.has_body()) {
            kept.emplace_back(request, response);
            return;
        }
        const Kept mine(request, response);
        request.read_body(100, [mine](std::string_view, bool last, Response& out) {
            if (last) out.send(200, told(mine));
        });
    });
    Client late(server.address());
    late.send(get("/keep", "X-Secret: first\r\n"));
    Client uploads(server.address());
    uploads.send("POST /keep HTTP/1.1\r\nHost: a\r\nX-Secret: second\r\nContent-Length: 4\r\n\r\nab");
    for (int i = 0; i < 20; ++i) {
        Client other(server.address());
        other.send(get("/other", "X-Secret: SOMEBODY-ELSE-WITH-A-LONG-HEAD\r\n"));
        CHECK(other.receive().status == 200);
    }
    uploads.send("cd");
    CHECK(uploads.receive().body == "/keep second /keep");
    Client asks(server.address());
    asks.send(get("/answer"));
    CHECK(asks.receive().body == "/keep first /keep\n");
    CHECK(late.receive().body == "first");
}

#ifdef SUP_ADDRESS_SANITIZER
TEST_CASE("who looks at a request after its exchange is told by AddressSanitizer") {
    const char* head = nullptr;
    Wire wire([&](Request& request, Response response) {
        head = request.target().data();
        response.send(200, "");
        CHECK_FALSE(__asan_address_is_poisoned(head));
    });
    wire.give(get("/"));
    CHECK(__asan_address_is_poisoned(head));
}
#endif
