#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("a reload prepares the next generation and starts it beside the old one") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.reload(req(2)) == Lines{"Prepare generation=2"});
    CHECK(life.view().state == InstanceState::reloading);
    CHECK(life.prepared(gen(2), policy_of(3)) ==
          Lines{"GenerationChanged generation=2 state=starting", "Spawn worker=3 generation=2 slot=0",
                "Spawn worker=4 generation=2 slot=1", "Spawn worker=5 generation=2 slot=2"});
    CHECK(life.generation(gen(1))->state == GenerationState::active);
}

TEST_CASE("the old generation first hears of a reload when the last new worker is ready") {
    Life life;
    life.serve(policy_of(2));
    Lines lines = joined({life.reload(req(2)), life.prepared(gen(2), policy_of(2))});
    life.spawned(gen(2));
    lines = joined({lines, life.feed(WorkerReady{wrk(4)})});
    CHECK(count(lines, "Drain") == 0);
    CHECK(life.feed(WorkerReady{wrk(3)}) == Lines{"GenerationChanged generation=2 state=active",
                                                  "Reply request=2 outcome=promoted generation=2",
                                                  "GenerationChanged generation=1 state=draining",
                                                  "Drain worker=1 successor=2",
                                                  "Drain worker=2 successor=2"});
    CHECK(life.view().state == InstanceState::running);
}

TEST_CASE("a replaced generation is released when its last worker has exited") {
    Life life;
    life.serve(policy_of(2));
    life.replace(gen(2), policy_of(2));
    CHECK(life.exit(wrk(1)).empty());
    CHECK(life.exit(wrk(2)) == Lines{"GenerationChanged generation=1 state=gone", "Release generation=1"});
    CHECK_FALSE(life.generation(gen(1)));
}

TEST_CASE("workers of the old generation that are still spawning are drained too") {
    Life life;
    Policy policy = policy_of(1);
    policy.restart_min_uptime = 0ms;
    life.serve(policy);
    life.reload(req(2));
    life.prepared(gen(2), policy_of(1));  // worker 2
    life.exit(wrk(1));                    // worker 3 in its place
    REQUIRE(life.state(wrk(3)) == WorkerState::spawning);
    life.spawned(gen(2));
    const Lines lines = life.ready(gen(2));
    CHECK(contains(lines, "Drain worker=3 successor=2"));
    CHECK(life.feed(WorkerSpawned{wrk(3)}).empty());
    CHECK(life.state(wrk(3)) == WorkerState::draining);
}

TEST_CASE("an old generation without a living worker is gone at the promotion") {
    Life life;
    life.serve(policy_of(1));
    life.exit(wrk(1));  // a short life: its slot waits for a restart
    const Lines lines = life.replace(gen(2), policy_of(1));
    CHECK(lines == Lines{"GenerationChanged generation=2 state=active",
                         "Reply request=1002 outcome=promoted generation=2",
                         "GenerationChanged generation=1 state=draining",
                         "GenerationChanged generation=1 state=gone", "Release generation=1"});
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("a failed preparation changes nothing, and its number is used again") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    CHECK(life.feed(PrepareFailed{gen(2), false, "no such file"}) ==
          Lines{"Reply request=2 outcome=failed failure=prepare_failed detail=\"no such file\""});
    CHECK(life.view().state == InstanceState::running);
    CHECK(life.reload(req(3)) == Lines{"Prepare generation=2"});
}

TEST_CASE("the number of a prepared generation is never used again") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(1));
    life.feed(SpawnFailed{wrk(2), "Exec format error"});
    CHECK(life.reload(req(3)) == Lines{"Prepare generation=3"});
}

TEST_CASE("whoever waits for the drain is answered when the replaced generation is gone") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), policy_of(1));
    life.spawned(gen(2));
    CHECK(count(life.ready(gen(2)), "Reply") == 0);
    CHECK(life.exit(wrk(1)) == Lines{"GenerationChanged generation=1 state=gone", "Release generation=1",
                                     "Reply request=2 outcome=promoted generation=2"});
}

TEST_CASE("who waits for the drain of one generation is not answered by the end of another") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), policy_of(1));
    life.spawned(gen(2));
    life.ready(gen(2));
    life.replace(gen(3), policy_of(1));
    CHECK(count(life.exit(wrk(2)), "Reply") == 0);
    CHECK(count(life.exit(wrk(1)), "Reply request=2 outcome=promoted generation=2") == 1);
}

TEST_CASE("whoever waits for the drain hears of a failure at once") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), policy_of(2));
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(2)});
    CHECK(count(life.exit(wrk(3)), "Reply request=2 outcome=failed generation=2") == 1);
}

TEST_CASE("the first generation replaces nothing, so nobody waits for its drain") {
    Life life;
    life.reload(req(1), WaitFor::drained);
    life.start(policy_of(1), req(2));
    life.spawned(gen(1));
    CHECK(contains(life.ready(gen(1)), "Reply request=1 outcome=promoted generation=1"));
}

TEST_CASE("the active generation keeps being restarted while a reload runs") {
    Life life;
    life.serve(policy_of(1));
    life.pass(5'000ms);
    life.reload(req(2));
    CHECK(contains(life.exit(wrk(1)), "Spawn worker=2 generation=1 slot=0"));
    life.prepared(gen(2), policy_of(1));
    life.feed(WorkerSpawned{wrk(2)});
    life.exit(wrk(2));
    CHECK(contains(life.pass(200ms), "Spawn worker=4 generation=1 slot=0"));
}
