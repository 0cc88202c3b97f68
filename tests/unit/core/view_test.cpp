#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("a view lists generations newest first") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy_of(1));
    life.reload(req(3));
    life.prepared(gen(3), policy_of(1));
    const View view = life.view();
    REQUIRE(view.generations.size() == 3);
    CHECK(view.generations[0].state == GenerationState::starting);
    CHECK(view.generations[1].state == GenerationState::active);
    CHECK(view.generations[2].state == GenerationState::draining);
}

TEST_CASE("a view lists the living workers by slot, then by age") {
    Life life;
    life.serve(policy_of(2));
    life.feed(RemoveWorkerRequested{});
    life.feed(AddWorkerRequested{});
    const auto workers = life.workers(gen(1));
    REQUIRE(workers.size() == 3);
    CHECK(workers[0].worker == wrk(1));
    CHECK(workers[1].worker == wrk(2));
    CHECK(workers[1].state == WorkerState::draining);
    CHECK(workers[2].worker == wrk(3));
    CHECK(workers[2].slot == 1);
}

TEST_CASE("a view tells when a generation was made and when a worker was spawned") {
    Life life;
    life.start(policy_of(1));
    const TimePoint made = life.now();
    life.pass(50ms);
    life.spawned(gen(1));
    CHECK(life.generation(gen(1))->created_at == made);
    CHECK(life.workers(gen(1)).at(0).spawned_at == made + 50ms);
}

TEST_CASE("an instance is starting until its first generation is promoted, even when reloads wait") {
    Life life;
    CHECK(life.view().state == InstanceState::starting);
    life.start(policy_of(1));
    life.reload(req(2));
    CHECK(life.view().state == InstanceState::starting);
}

TEST_CASE("an instance that stops is stopping to the end") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.stop(req(3));
    CHECK(life.view().state == InstanceState::stopping);
    life.feed(PrepareFailed{gen(2), false, ""});
    life.exit(wrk(1));
    CHECK(life.view().state == InstanceState::stopping);
    CHECK(life.view().generations.empty());
}

TEST_CASE("a view tells how many of the active generation's slots are served") {
    Life life;
    CHECK(life.view().wanted == 0);
    life.serve(policy_of(2));
    CHECK(life.view().serving == 2);
    life.exit(wrk(2), 1);
    CHECK(life.view().serving == 1);
    CHECK(life.view().wanted == 2);
}

TEST_CASE("a view tells how a slot's last worker ended, when, and when the next one comes") {
    Life life;
    life.serve(policy_of(1));
    CHECK_FALSE(life.generation(gen(1))->slots.at(0).ended_at);
    life.exit(wrk(1), 3);
    const auto scheduled = the<RestartScheduled>(life.actions());
    const SlotView slot = life.generation(gen(1))->slots.at(0);
    CHECK(slot.ended == ExitStatus{false, 3});
    CHECK(slot.ended_at == life.now());
    CHECK(slot.short_lives == 1);
    CHECK(slot.restart_at == life.now() + scheduled.delay);
}

TEST_CASE("a worker that could not be started has no exit status") {
    Life life;
    life.serve(policy_of(1));
    life.exit(wrk(1), 3);
    life.pass(the<RestartScheduled>(life.actions()).delay);
    life.feed(SpawnFailed{wrk(2), "no"});
    const SlotView slot = life.generation(gen(1))->slots.at(0);
    CHECK(slot.ended_at == life.now());
    CHECK_FALSE(slot.ended);
}

TEST_CASE("health is whether somebody serves, and whether anybody is missing") {
    Life life;
    Policy policy = policy_of(2);
    life.start(policy);
    CHECK(life.view().health == Health::down);
    life.spawned(gen(1));
    life.ready(gen(1));
    life.pass(policy.start_soak);
    CHECK(life.view().health == Health::well);
    life.exit(wrk(1), 1);  // a short life: its slot waits, and then its worker has yet to be ready
    CHECK(life.view().health == Health::degraded);
    life.pass(policy.backoff_max);
    life.spawned(gen(1));
    REQUIRE_FALSE(life.view().degraded);
    CHECK(life.view().health == Health::degraded);
    life.ready(gen(1));
    CHECK(life.view().health == Health::well);
    life.exit(wrk(2), 1);
    life.exit(wrk(3), 1);
    CHECK(life.view().health == Health::down);
}
