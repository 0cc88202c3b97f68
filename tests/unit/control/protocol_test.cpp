#include "master/control/protocol.h"

#include <nlohmann/json.hpp>
#include <string>

#include "tests/catch.h"

using namespace sup::control;
using nlohmann::json;

namespace {

Request understood(const std::string& line) {
    INFO(line);
    auto parsed = parse_request(line);
    REQUIRE(std::holds_alternative<Request>(parsed));
    return std::get<Request>(std::move(parsed));
}

// The response that a refused request gets; null when it gets none.
json refusal(const std::string& line) {
    const auto parsed = parse_request(line);
    INFO(line.substr(0, 200));
    REQUIRE(std::holds_alternative<Refusal>(parsed));
    const auto& response = std::get<Refusal>(parsed).response;
    return response ? json::parse(*response) : json();
}

}  // namespace

TEST_CASE("every method is understood") {
    CHECK(
        std::holds_alternative<StatusCall>(understood(R"({"jsonrpc":"2.0","id":1,"method":"status"})").call));
    CHECK(std::holds_alternative<SubscribeCall>(
        understood(R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":{}})").call));

    const auto reload = [](const std::string& params) {
        return std::get<ReloadCall>(
            understood(R"({"jsonrpc":"2.0","id":1,"method":"reload","params":)" + params + "}").call);
    };
    CHECK(reload("{}").wait == sup::core::WaitFor::promoted);
    CHECK(reload(R"({"wait":"promoted"})").wait == sup::core::WaitFor::promoted);
    CHECK(reload(R"({"wait":"drained"})").wait == sup::core::WaitFor::drained);

    const auto stop = [](const std::string& params) {
        return std::get<StopCall>(
            understood(R"({"jsonrpc":"2.0","id":1,"method":"stop","params":)" + params + "}").call);
    };
    CHECK_FALSE(stop("{}").now);
    CHECK(stop(R"({"now":true})").now);
}

TEST_CASE("an id comes back as it was given") {
    for (const std::string id : {"1", "-7", "1.5", R"("a\"b")", "null"}) {
        const auto request = understood(R"({"jsonrpc":"2.0","method":"status","id":)" + id + "}");
        REQUIRE(request.id);
        CHECK(json::parse(response(*request.id, "{}"))["id"] == json::parse(id));
    }
}

TEST_CASE("a request without an id is a notification") {
    CHECK_FALSE(understood(R"({"jsonrpc":"2.0","method":"reload"})").id);
}

TEST_CASE("a notification is never answered, not even a wrong one") {
    CHECK(refusal(R"({"jsonrpc":"2.0","method":"nonsense"})").is_null());
    CHECK(refusal(R"({"jsonrpc":"2.0","method":"stop","params":{"now":1}})").is_null());
}

TEST_CASE(
    "what cannot be understood is refused with JSON-RPC's code, the id as far as it can be told, and a "
    "reason") {
    struct Case {
        std::string line;
        int code;
        json id;
        std::string reason;
    };
    const Case table[] = {
        {"", -32700, nullptr, "not valid JSON"},
        {"{", -32700, nullptr, "not valid JSON"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}", -32700, nullptr, "not valid JSON"},
        {R"({"jsonrpc":"2.0","id":1,"method":"status"} trailing)", -32700, nullptr, "not valid JSON"},
        {"17", -32600, nullptr, "object"},
        {"[]", -32600, nullptr, "batches"},
        {R"([{"jsonrpc":"2.0","id":1,"method":"status"}])", -32600, nullptr, "batches"},
        {R"({"id":1,"method":"status"})", -32600, 1, "jsonrpc"},
        {R"({"jsonrpc":2.0,"id":1,"method":"status"})", -32600, 1, "jsonrpc"},
        {R"({"jsonrpc":"2.0","id":"x"})", -32600, "x", "method"},
        {R"({"jsonrpc":"2.0","id":1,"method":7})", -32600, 1, "method"},
        {R"({"jsonrpc":"2.0","id":{},"method":"status"})", -32600, nullptr, "id"},
        {R"({"jsonrpc":"2.0","id":true,"method":"status"})", -32600, nullptr, "id"},
        {R"({"jsonrpc":"2.0","id":1,"method":"restart"})", -32601, 1, "restart"},
        {R"({"jsonrpc":"2.0","id":1,"method":"status","params":[]})", -32602, 1, "object"},
        {R"({"jsonrpc":"2.0","id":1,"method":"status","params":null})", -32602, 1, "object"},
        {R"({"jsonrpc":"2.0","id":1,"method":"status","params":{"wait":1}})", -32602, 1, "wait"},
        {R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":"soon"}})", -32602, 1, "promoted"},
        {R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":null}})", -32602, 1, "promoted"},
        {R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"Wait":"drained"}})", -32602, 1, "Wait"},
        {R"({"jsonrpc":"2.0","id":1,"method":"stop","params":{"now":"yes"}})", -32602, 1, "now"},
    };
    for (const auto& row : table) {
        const json answer = refusal(row.line);
        INFO(row.line);
        CHECK(answer["jsonrpc"] == "2.0");
        CHECK(answer["id"] == row.id);
        CHECK(answer["error"]["code"] == row.code);
        CHECK_THAT(answer["error"]["message"].get<std::string>(), Catch::Contains(row.reason));
    }
}

TEST_CASE("a request of 64 KiB is read, and one byte more is refused") {
    const std::string request = R"({"jsonrpc":"2.0","id":1,"method":"status"})";
    const std::string largest = request + std::string(max_request_bytes - request.size(), ' ');
    CHECK(std::holds_alternative<Request>(parse_request(largest)));
    CHECK(refusal(largest + " ")["error"]["code"] == -32600);
}

TEST_CASE("nesting as deep as a request can be is refused like any other nonsense") {
    const std::string deep(max_request_bytes / 2 - 100, '[');
    const std::string closed = deep + std::string(deep.size(), ']');
    CHECK(refusal(closed)["error"]["code"] == -32600);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":)" + closed +
                  "}}")["error"]["code"] == -32602);
    CHECK(refusal(R"({"jsonrpc":"2.0","id":)" + closed + R"(,"method":"status"})")["error"]["code"] ==
          -32600);
}

TEST_CASE("every message is one line, whatever text is in it") {
    const json broken = "a\nb\xff";
    for (const auto& line :
         {request("1", "status", {{"text", broken}}), response("1", "{}"),
          error_response("null", ErrorCode::failed, "a\nb\xff"),
          error_response("1", ErrorCode::failed, "a\nb\xff", "{}"), event_notification("{}")}) {
        INFO(line);
        CHECK(line.find('\n') == line.size() - 1);
        CHECK(json::parse(line)["jsonrpc"] == "2.0");
    }
    CHECK(json::parse(error_response("1", ErrorCode::failed, "why", R"({"a":1})"))["error"] ==
          json{{"code", -32000}, {"message", "why"}, {"data", {{"a", 1}}}});
    CHECK(json::parse(event_notification(R"({"type":"log"})")) ==
          json{{"jsonrpc", "2.0"}, {"method", "event"}, {"params", {{"type", "log"}}}});
}
