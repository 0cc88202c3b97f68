#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;

TEST_CASE("a start prepares generation 1 and starts all its workers") {
    Life life;
    CHECK(life.feed(StartRequested{req(1)}) == Lines{"Prepare generation=1"});
    CHECK(life.prepared(gen(1), policy_of(2)) == Lines{"GenerationChanged generation=1 state=starting",
                                                       "Spawn worker=1 generation=1 slot=0",
                                                       "Spawn worker=2 generation=1 slot=1"});
    CHECK(life.view().state == InstanceState::starting);
}

TEST_CASE("a start is answered when all workers of the first generation are ready") {
    Life life;
    life.start(policy_of(2));
    life.spawned(gen(1));
    CHECK(life.feed(WorkerReady{wrk(2)}).empty());
    CHECK(life.feed(WorkerReady{wrk(1)}) == Lines{"GenerationChanged generation=1 state=active",
                                                  "Reply request=1 outcome=promoted generation=1"});
    CHECK(life.view().state == InstanceState::running);
}

TEST_CASE("a start whose preparation fails says why and ends the instance with 1") {
    Life life;
    life.feed(StartRequested{req(1)});
    CHECK(
        life.feed(PrepareFailed{gen(1), false, "port in use"}) ==
        Lines{"Reply request=1 outcome=failed failure=prepare_failed detail=\"port in use\"", "Exit code=1"});
}

TEST_CASE("a start with an invalid configuration says that it is the configuration") {
    Life life;
    life.feed(StartRequested{req(1)});
    const Lines lines = life.feed(PrepareFailed{gen(1), true, "unknown key"});
    CHECK(
        contains(lines, "Reply request=1 outcome=failed failure=configuration_error detail=\"unknown key\""));
}

TEST_CASE("a first generation that fails ends the instance with 1 once its workers are gone") {
    Life life;
    life.start(policy_of(2));
    life.spawned(gen(1));
    life.feed(WorkerReady{wrk(1)});
    CHECK(life.exit(wrk(2), 3) ==
          Lines{"GenerationChanged generation=1 state=aborting failure=exited_before_ready failed_worker=2 "
                "failed_slot=1 code=3",
                "Reply request=1 outcome=failed generation=1 failure=exited_before_ready failed_worker=2 "
                "failed_slot=1 code=3",
                "Drain worker=1"});
    CHECK(life.view().state == InstanceState::stopping);
    CHECK(life.exit(wrk(1)) ==
          Lines{"GenerationChanged generation=1 state=gone", "Release generation=1", "Exit code=1"});
}

TEST_CASE("reloads that wait for the start are told that the instance stops when the start fails") {
    Life life;
    life.start(policy_of(1));
    CHECK(life.reload(req(2)).empty());
    const Lines lines = life.feed(SpawnFailed{wrk(1), "Permission denied"});
    const std::string failure =
        " failure=spawn_failed failed_worker=1 failed_slot=0 detail=\"Permission denied\"";
    CHECK(lines == Lines{"GenerationChanged generation=1 state=aborting" + failure,
                         "Reply request=1 outcome=failed generation=1" + failure,
                         "Reply request=2 outcome=failed failure=stopping",
                         "GenerationChanged generation=1 state=gone", "Release generation=1", "Exit code=1"});
}

TEST_CASE("a reload asked for after the start failed is told at once that the instance stops") {
    Life life;
    life.start(policy_of(2));
    life.spawned(gen(1));
    life.exit(wrk(2));
    CHECK(life.reload(req(5)) == Lines{"Reply request=5 outcome=failed failure=stopping"});
}

TEST_CASE("an instance whose start failed exits with 1 also when it is told to stop meanwhile") {
    Life life;
    life.start(policy_of(2));
    life.spawned(gen(1));
    life.feed(WorkerReady{wrk(1)});
    life.exit(wrk(2));
    CHECK(life.stop(req(7)).empty());
    CHECK(life.stop(req(8)) == Lines{"Kill worker=1 reason=stop_now"});
    const Lines lines = life.exit(wrk(1));
    CHECK(contains(lines, "Reply request=7 outcome=stopped"));
    CHECK(contains(lines, "Reply request=8 outcome=stopped"));
    CHECK(lines.back() == "Exit code=1");
}

TEST_CASE("a second start is ignored") {
    Life life;
    life.serve(policy_of(1));
    CHECK(life.feed(StartRequested{req(9)}).empty());
}

TEST_CASE("a reload that comes before the start waits for it and is answered with it") {
    Life life;
    CHECK(life.reload(req(1)).empty());
    CHECK(life.feed(StartRequested{req(2)}) == Lines{"Prepare generation=1"});
    life.prepared(gen(1), policy_of(1));
    life.spawned(gen(1));
    const Lines lines = life.ready(gen(1));
    CHECK(contains(lines, "Reply request=1 outcome=promoted generation=1"));
    CHECK(contains(lines, "Reply request=2 outcome=promoted generation=1"));
}
