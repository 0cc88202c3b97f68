#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("an event is one line with its values") {
    CHECK(to_string(Event{WorkerExited{wrk(7), {.signalled = false, .code = 1}}}) ==
          "WorkerExited worker=7 code=1");
    CHECK(to_string(Event{WorkerExited{wrk(7), {.signalled = true, .code = 9}}}) ==
          "WorkerExited worker=7 signal=9");
    CHECK(to_string(Event{StopRequested{req(3), true}}) == "StopRequested request=3 now=true by=request");
    CHECK(to_string(Event{ReloadRequested{req(3), WaitFor::drained}}) ==
          "ReloadRequested request=3 wait=drained");
    CHECK(to_string(Event{PrepareFailed{gen(2), true, "bad"}}) ==
          "PrepareFailed generation=2 configuration_error=true reason=\"bad\"");
    CHECK(to_string(Event{WorkerExtendedTimeout{wrk(1), 5s}}) ==
          "WorkerExtendedTimeout worker=1 extension=5000ms");
    CHECK(to_string(Event{AddWorkerRequested{}}) == "AddWorkerRequested");
}

TEST_CASE("an action is one line with its values, and leaves out what is not set") {
    CHECK(to_string(Action{Spawn{wrk(7), gen(2), 0}}) == "Spawn worker=7 generation=2 slot=0");
    CHECK(to_string(Action{Drain{wrk(7), gen(2)}}) == "Drain worker=7 successor=2");
    CHECK(to_string(Action{Drain{wrk(7), {}}}) == "Drain worker=7");
    CHECK(to_string(Action{WorkerChanged{wrk(1), gen(2), 3, WorkerState::killing}}) ==
          "WorkerChanged worker=1 generation=2 slot=3 state=killing");
    CHECK(to_string(Action{Exit{1}}) == "Exit code=1");
}

TEST_CASE("an exit status reads like one") {
    CHECK(to_string(ExitStatus{false, 3}) == "exit code 3");
    CHECK(to_string(ExitStatus{true, 15}) == "signal 15");
}
