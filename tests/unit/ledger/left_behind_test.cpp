#include "master/ledger/left_behind.h"

#include "tests/catch.h"

using namespace sup;

namespace {

LeftBehind left(const LeftBehind::Process& process, LeftBehind::Why why) {
    return {.why = why, .process = process, .name = "process 1 (x)", .listeners = {}};
}

constexpr LeftBehind::Process one{4711, 100};

}  // namespace

TEST_CASE("what is left behind is listed once, and whoever has ended is forgotten") {
    LeftBehindList list;
    const LeftBehind::Process ended{4712, 100};
    list.add(left(ended, LeftBehind::Why::whose_unknown));
    list.add(left(one, LeftBehind::Why::whose_unknown));
    list.add(left(one, LeftBehind::Why::whose_unknown));
    list.forget([&](const auto& process) { return process == ended; });
    CHECK(list.all().size() == 1);
    CHECK(list.contains(one));
    CHECK_FALSE(list.contains(ended));
    const LeftBehind::Process next{one.pid, one.start_time + 1};  // another process that got the number
    CHECK_FALSE(list.contains(next));
}

TEST_CASE("what nobody's process turns out to be is what is told of it") {
    LeftBehindList list;
    list.add(left(one, LeftBehind::Why::whose_unknown));
    CHECK_FALSE(list.is_out_of_reach(one));
    list.add(left(one, LeftBehind::Why::out_of_reach));
    CHECK(list.is_out_of_reach(one));
    REQUIRE(list.all().size() == 1);
    CHECK(list.all()[0].why == LeftBehind::Why::out_of_reach);
    list.add(left(one, LeftBehind::Why::whose_unknown));
    CHECK(list.is_out_of_reach(one));
}
