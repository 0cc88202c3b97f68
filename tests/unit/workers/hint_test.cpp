#include "master/workers/hint.h"

#include "tests/catch.h"

using Catch::Matchers::Contains;

namespace {

std::string hint(const std::string& line, const std::vector<std::string>& addresses = {"127.0.0.1:8080"},
                 int first = 3) {
    return sup::hint_about_address_in_use({"starting", line, "bye"}, addresses, first);
}

}  // namespace

TEST_CASE("a worker that fails to bind an address that sup holds is told where to find it") {
    for (const char* line :
         {"2026-11-30 15:41:00,123 ERROR Address already in use",
          "OSError: [Errno 98] Address already in use", "listen tcp :8080: bind: address already in use",
          "Error: listen EADDRINUSE: address already in use 127.0.0.1:8080",
          "[ERROR] Connection in use: ('127.0.0.1', 8080)",
          "Address already in use - bind(2) for \"127.0.0.1\" port 8080 (Errno::EADDRINUSE)",
          "Os { code: 98, kind: AddrInUse, message: \"Address already in use\" }",
          "bind() to 0.0.0.0:8080 failed (98: Address already in use)"}) {
        INFO(line);
        CHECK_THAT(hint(line), Contains("sup holds 127.0.0.1:8080") && Contains("descriptor 3"));
    }
}

TEST_CASE("the hint names the listener that the worker wanted") {
    CHECK_THAT(hint("EADDRINUSE :::9090", {"127.0.0.1:8080", "[::]:9090"}),
               Contains("sup holds [::]:9090") && Contains("descriptor 4"));
    CHECK_THAT(hint("/run/x.sock: Address already in use", {"127.0.0.1:80", "unix:/run/x.sock"}),
               Contains("sup holds unix:/run/x.sock"));
    CHECK_THAT(hint("Address already in use", {"127.0.0.1:80"}, 0),
               Contains("descriptor 0") && Contains("standard input"));
}

TEST_CASE("a worker that wants another address, or fails for another reason, is told nothing") {
    CHECK(hint("listen tcp :9999: bind: address already in use").empty());
    CHECK(hint("bind: port 80 is in use, Address already in use").empty());
    CHECK(hint("Address already in use, port 18080").empty());
    CHECK(hint("cannot connect to 127.0.0.1:8080").empty());
    CHECK(hint("Address already in use", {}).empty());
    CHECK(sup::hint_about_address_in_use({}, {"127.0.0.1:8080"}, 3).empty());
}
