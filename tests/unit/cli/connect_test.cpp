#include "master/cli/connect.h"

#include "tests/catch.h"

using namespace sup::cli;
using Kind = sup::control::CallError::Kind;

TEST_CASE(
    "a reload whose outcome is not told does not end as one that failed, and one that was not heard of says "
    "so") {
    const auto explained = [](Kind kind) { return explain({kind, "why"}, "hello", "the reload"); };
    CHECK(explained(Kind::refused).code == ExitCode::failed);
    CHECK(explained(Kind::timed_out).code == ExitCode::timed_out);

    const CommandError goes_on = explained(Kind::not_awaited);
    CHECK(goes_on.code == ExitCode::timed_out);
    CHECK_THAT(goes_on.message, Catch::StartsWith("the reload of hello is still in progress") &&
                                    Catch::Contains("sup status hello"));

    const CommandError not_asked = explained(Kind::turned_away);
    CHECK(not_asked.code == ExitCode::failed);
    CHECK_THAT(not_asked.message, Catch::Contains("why; nothing was started"));
}
