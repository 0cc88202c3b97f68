#include "master/workers/left_behind.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace sup;

namespace {

// That of a child that has been reaped.
ProcessStat ended_process() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ProcessStat stat = *process_stat(child);
    ::waitpid(child, nullptr, 0);
    return stat;
}

LeftBehind left(const ProcessStat& process, LeftBehind::Why why) {
    return {.why = why, .process = process, .name = "process 1 (x)", .listeners = {}};
}

}  // namespace

TEST_CASE("what is left behind is listed once, and whoever has ended is forgotten") {
    LeftBehindList list;
    const ProcessStat ended = ended_process();
    const ProcessStat own = *process_stat(::getpid());
    list.add(left(ended, LeftBehind::Why::whose_unknown));
    list.add(left(own, LeftBehind::Why::whose_unknown));
    list.add(left(own, LeftBehind::Why::whose_unknown));
    CHECK(list.picture().size() == 1);
    CHECK(list.contains(own));
    CHECK_FALSE(list.contains(ended));
    ProcessStat next = own;
    ++next.start_time;  // another process that got the number
    CHECK_FALSE(list.contains(next));
}

TEST_CASE("what nobody's process turns out to be is what is told of it") {
    LeftBehindList list;
    const ProcessStat own = *process_stat(::getpid());
    list.add(left(own, LeftBehind::Why::whose_unknown));
    CHECK_FALSE(list.is_out_of_reach(own));
    CHECK(list.picture()[0].why == "whose worker is not known");
    list.add(left(own, LeftBehind::Why::out_of_reach));
    CHECK(list.is_out_of_reach(own));
    REQUIRE(list.picture().size() == 1);
    CHECK(list.picture()[0].why == "which sup may not signal");
}
