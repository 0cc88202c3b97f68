#include "master/workers/living.h"

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

}  // namespace

TEST_CASE("of what was left behind, those that live on are shown, and why") {
    LeftBehindList list;
    const ProcessStat own = *process_stat(::getpid());
    list.add({.why = LeftBehind::Why::whose_unknown,
              .process = left_process(own),
              .name = "process 1 (x)",
              .generation = core::GenerationId{3},
              .slot = 2,
              .listeners = "http *:80"});
    list.add({.process = left_process(ended_process()), .name = "process 2 (x)", .listeners = {}});
    const auto pictures = living(list);
    REQUIRE(pictures.size() == 1);
    CHECK(pictures[0].pid == ::getpid());
    CHECK(pictures[0].name == "process 1 (x)");
    CHECK(pictures[0].why == "whose worker is not known");
    CHECK(pictures[0].generation == 3);
    CHECK(pictures[0].slot == 2);
    CHECK(pictures[0].listeners == "http *:80");
    list.forget(has_ended);
    CHECK(list.all().size() == 1);
}
