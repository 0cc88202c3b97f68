#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

// Generation 1 serves with workers 1 and 2; generation 2 starts with workers 3, 4 and 5.
Life reloading(const Policy& next = policy_of(3)) {
    Life life;
    life.serve(policy_of(2));
    life.reload(req(2));
    life.prepared(gen(2), next);
    return life;
}

}  // namespace

TEST_CASE("an aborted reload leaves the old generation untouched") {
    Life life = reloading();
    life.spawned(gen(2));
    Lines lines = life.exit(wrk(4), 1);
    lines = joined({lines, life.exit(wrk(3)), life.exit(wrk(5)), life.pass(100'000ms)});
    for (const int old : {1, 2}) {
        CHECK(count(lines, "Drain worker=" + std::to_string(old)) == 0);
        CHECK(count(lines, "Kill worker=" + std::to_string(old)) == 0);
    }
    CHECK(life.view().state == InstanceState::running);
    CHECK(life.generation(gen(1))->state == GenerationState::active);
}

TEST_CASE("the first exit of a starting generation aborts it") {
    Life life = reloading();
    life.spawned(gen(2));
    CHECK(life.exit(wrk(4), 1) ==
          Lines{"GenerationChanged generation=2 state=aborting failure=exited_before_ready failed_worker=4 "
                "failed_slot=1 code=1",
                "Reply request=2 outcome=failed generation=2 failure=exited_before_ready failed_worker=4 "
                "failed_slot=1 code=1",
                "Kill worker=3 reason=aborted", "Kill worker=5 reason=aborted"});
}

TEST_CASE("a worker that was ready and exits before all are ready aborts the reload as well") {
    Life life = reloading();
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(3)});
    CHECK(count(life.exit(wrk(3), 0), "GenerationChanged generation=2 state=aborting") == 1);
}

TEST_CASE("the first worker that cannot be spawned aborts the reload, with the reason") {
    Life life = reloading();
    const Lines lines = life.feed(SpawnFailed{wrk(3), "Permission denied"});
    CHECK(contains(lines,
                   "Reply request=2 outcome=failed generation=2 failure=spawn_failed failed_worker=3 "
                   "failed_slot=0 detail=\"Permission denied\""));
    CHECK(count(lines, "Kill") == 2);
}

TEST_CASE("what is already ready may have taken connections: an abort drains it, to the active generation") {
    Life life = reloading();
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(3)});
    const Lines lines = life.exit(wrk(4));
    CHECK(contains(lines, "Drain worker=3 successor=1"));
    CHECK(contains(lines, "Kill worker=5 reason=aborted"));
    CHECK(life.pass(30'000ms) == Lines{"Kill worker=3 reason=drain_timeout"});
}

TEST_CASE("a worker whose readiness is a delay may serve already: an abort drains it") {
    Policy delayed = policy_of(3);
    delayed.ready_after = 1'000ms;
    Life life = reloading(delayed);
    life.feed(WorkerSpawned{wrk(3)});
    const Lines lines = life.feed(SpawnFailed{wrk(4), "no"});
    CHECK(contains(lines, "Drain worker=3 successor=1"));
    CHECK(contains(lines, "Drain worker=5 successor=1"));
    CHECK(count(lines, "Kill") == 0);
}

TEST_CASE("an aborted generation is gone, and released, when all its workers are") {
    Life life = reloading();
    life.feed(SpawnFailed{wrk(3), "no"});
    CHECK(life.generation(gen(2))->state == GenerationState::aborting);
    CHECK(life.feed(SpawnFailed{wrk(4), "no"}).empty());  // never was: its last event
    CHECK(life.exit(wrk(5)) == Lines{"GenerationChanged generation=2 state=gone", "Release generation=2"});
}

TEST_CASE("nothing restarts in a generation that is starting or aborting") {
    Life life = reloading();
    life.spawned(gen(2));
    Lines lines = joined({life.exit(wrk(3)), life.exit(wrk(4)), life.exit(wrk(5)), life.pass(100'000ms)});
    CHECK(count(lines, "Spawn") == 0);
    CHECK(count(lines, "RestartScheduled") == 0);
}

TEST_CASE("an aborted generation answers its asker once, however many of its workers fail") {
    Life life = reloading();
    life.spawned(gen(2));
    const Lines lines = joined({life.exit(wrk(3)), life.exit(wrk(4)), life.exit(wrk(5))});
    CHECK(count(lines, "Reply") == 1);
}
