#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("adding a worker fills the next slot of the active generation") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.feed(AddWorkerRequested{}) ==
          Lines{"CountChanged generation=1 count=3", "Spawn worker=3 generation=1 slot=2"});
    CHECK(life.generation(gen(1))->count == 3);
}

TEST_CASE("removing a worker drains the highest slot, its own generation taking over") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.feed(RemoveWorkerRequested{}) ==
          Lines{"CountChanged generation=1 count=1", "Drain worker=2 successor=1"});
    CHECK(life.pass(30s) == Lines{"Kill worker=2 reason=drain_timeout"});
}

TEST_CASE("there is never less than one worker") {
    Life life;
    life.serve(policy_of(1));
    CHECK(life.feed(RemoveWorkerRequested{}).empty());
}

TEST_CASE("a removed worker is not restarted") {
    Life life;
    life.serve(policy_of(2));
    life.feed(RemoveWorkerRequested{});
    CHECK(life.exit(wrk(2), 1).empty());
    CHECK(life.pass(60s).empty());
}

TEST_CASE("removing a slot that waits for its restart cancels the restart") {
    Life life;
    life.serve(policy_of(2));
    life.exit(wrk(2));
    REQUIRE(life.view().degraded);
    CHECK(life.feed(RemoveWorkerRequested{}) == Lines{"CountChanged generation=1 count=1"});
    CHECK_FALSE(life.next_deadline());
    CHECK_FALSE(life.view().degraded);
}

TEST_CASE("a slot may be added again while its old worker still drains") {
    Life life;
    life.serve(policy_of(2));
    life.feed(RemoveWorkerRequested{});
    CHECK(contains(life.feed(AddWorkerRequested{}), "Spawn worker=3 generation=1 slot=1"));
    CHECK(life.workers(gen(1)).size() == 3);
    life.spawned(gen(1));
    life.ready(gen(1));
    CHECK(life.exit(wrk(2)).empty());
    life.pass(5s);
    CHECK(contains(life.exit(wrk(3)), "Spawn worker=4 generation=1 slot=1"));
}

TEST_CASE("an added worker that fails backs off like any other, and aborts nothing") {
    Life life;
    life.serve(policy_of(1));
    life.feed(AddWorkerRequested{});
    const Lines lines = life.feed(SpawnFailed{wrk(2), "no"});
    CHECK(count(lines, "RestartScheduled generation=1 slot=1") == 1);
    CHECK(count(lines, "GenerationChanged") == 0);
}

TEST_CASE("a removed worker that already drains is not told again at the promotion, and keeps its deadline") {
    Life life;
    life.serve(policy_of(2));
    life.feed(RemoveWorkerRequested{});
    life.pass(10s);
    const Lines lines = life.replace(gen(2), policy_of(1));
    CHECK(count(lines, "Drain worker=2") == 0);
    CHECK(life.pass(20s) == Lines{"Kill worker=2 reason=drain_timeout"});
}

TEST_CASE("a changed count lasts until the next generation brings its own") {
    Life life;
    life.serve(policy_of(1));
    life.feed(AddWorkerRequested{});
    life.replace(gen(2), policy_of(1));
    CHECK(life.generation(gen(2))->count == 1);
}

TEST_CASE("without an active generation the count does not change") {
    Life life;
    CHECK(life.feed(AddWorkerRequested{}).empty());
    life.start(policy_of(2));
    CHECK(life.feed(AddWorkerRequested{}).empty());
    CHECK(life.feed(RemoveWorkerRequested{}).empty());
}

TEST_CASE("a stopping instance does not change its count") {
    Life life;
    life.serve(policy_of(2));
    life.stop(req(2));
    CHECK(life.feed(AddWorkerRequested{}).empty());
    CHECK(life.feed(RemoveWorkerRequested{}).empty());
}

TEST_CASE(
    "a slot that is added in a rolling reload is left to the new generation, where that serves it already") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.prepared(gen(2), {.count = 3, .max_surge = 1});
    life.spawned(gen(2));
    life.ready(gen(2));
    life.exit(wrk(1));
    life.spawned(gen(2));
    life.ready(gen(2));
    CHECK(life.feed(AddWorkerRequested{}) == Lines{"CountChanged generation=1 count=2"});
    // When the reload fails, the slot is given to the old generation after all.
    life.spawned(gen(2));
    CHECK(contains(life.exit(wrk(4)), "Spawn worker=5 generation=1 slot=0"));
    life.spawned(gen(1));
    CHECK(life.ready(gen(1)) == Lines{"Drain worker=2 successor=1"});
    CHECK(life.exit(wrk(2)) == Lines{"Spawn worker=6 generation=1 slot=1"});
    CHECK(life.workers(gen(1)).at(1).restarts == 0);
}
