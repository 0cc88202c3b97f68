// A program that parses HTTP by a llhttp of its own, here a lenient one, and serves by the library.
#include <llhttp.h>

#include <string_view>

#include "tests/catch.h"
#include "tests/unit/worker/client.h"
#include "tests/unit/worker/running_server.h"

namespace {

// What its own llhttp makes of a request: strict builds refuse a form feed in a target.
llhttp_errno_t parse_leniently(std::string_view request) {
    llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    return llhttp_execute(&parser, request.data(), request.size());
}

}  // namespace

TEST_CASE("a program may have a llhttp of its own, and each is used where it belongs") {
    constexpr std::string_view request = "GET /\f HTTP/1.1\r\nHost: a\r\n\r\n";
    CHECK(parse_leniently(request) == HPE_OK);

    sup::test::RunningServer server(
        [](sup::http::Request&, sup::http::Response response) { response.send(200, "served"); });
    sup::test::Client strict(server.address());
    strict.send(request);
    CHECK(strict.receive().status == 400);
    sup::test::Client client(server.address());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(client.receive().body == "served");
}
