// A rolling reload: slot by slot forward, and slot by slot back when it fails.
#include <algorithm>

#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup;
using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

std::uint32_t in_state(const Life& life, GenerationId generation, WorkerState state) {
    return static_cast<std::uint32_t>(
        std::ranges::count(life.workers(generation), state, &WorkerView::state));
}

std::uint32_t ready(const Life& life) {
    return in_state(life, gen(1), WorkerState::ready) + in_state(life, gen(2), WorkerState::ready);
}

std::size_t processes(const Life& life) {
    return life.workers(gen(1)).size() + life.workers(gen(2)).size();
}

void begin(Life& life, const Policy& old, const Policy& next) {
    life.serve(old);
    life.reload(req(2));
    life.prepared(gen(2), next);
}

// One slot: its new worker is ready, its old one drains. The lines of that step.
Lines replace_next(Life& life) {
    life.spawned(gen(2));
    return life.ready(gen(2));
}

void exit_the_drained(Life& life, GenerationId generation) {
    for (const WorkerView& worker : life.workers(generation)) {
        if (worker.state == WorkerState::draining) life.exit(worker.worker);
    }
}

}  // namespace

TEST_CASE("a rolling reload starts one worker, and drains its predecessor when it is ready") {
    Life life;
    life.serve(policy_of(3));
    life.reload(req(2));
    CHECK(life.prepared(gen(2), rolling(3)) ==
          Lines{"GenerationChanged generation=2 state=starting", "Spawn worker=4 generation=2 slot=0"});
    CHECK(replace_next(life) == Lines{"Drain worker=1 successor=2"});
    CHECK(life.exit(wrk(1)) == Lines{"Spawn worker=5 generation=2 slot=1"});
    CHECK(replace_next(life) == Lines{"Drain worker=2 successor=2"});
    CHECK(life.exit(wrk(2)) == Lines{"Spawn worker=6 generation=2 slot=2"});
    CHECK(replace_next(life) == Lines{"GenerationChanged generation=2 state=active",
                                      "Reply request=2 outcome=promoted generation=2",
                                      "GenerationChanged generation=1 state=draining",
                                      "Drain worker=3 successor=2"});
}

TEST_CASE("a rolling reload never has fewer than count ready, nor more processes than count and max_surge") {
    const auto surge = GENERATE(as<std::uint32_t>{}, 1, 2, 3, 8, 20);
    Life life;
    begin(life, policy_of(8), rolling(8, surge));
    while (life.generation(gen(2))->state == GenerationState::starting) {
        CHECK(processes(life) <= 8 + surge);
        life.spawned(gen(2));
        for (const WorkerView& worker : life.workers(gen(2))) {
            if (worker.state == WorkerState::starting) life.feed(WorkerReady{worker.worker});
            CHECK(ready(life) >= 8);
            CHECK(processes(life) <= 8 + surge);
        }
        exit_the_drained(life, gen(1));
    }
    CHECK(in_state(life, gen(2), WorkerState::ready) == 8);
}

TEST_CASE("the first generation of a rolling configuration starts at once") {
    Life life;
    CHECK(count(life.start(rolling(4)), "Spawn") == 4);
}

TEST_CASE("in a rolling reload each worker soaks before its predecessor drains") {
    Life life;
    Policy soaking = rolling(2);
    soaking.soak = 5s;
    soaking.later_soak = 5s;
    begin(life, policy_of(2), soaking);
    CHECK(replace_next(life).empty());
    CHECK(life.pass(4'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Drain worker=1 successor=2"});
    life.exit(wrk(1));
    CHECK(replace_next(life).empty());
    CHECK(contains(life.pass(5s), "Reply request=2 outcome=promoted generation=2"));
}

TEST_CASE("when the first step of a rolling reload has soaked, later ones soak for less") {
    Life life;
    Policy soaking = rolling(3);
    soaking.soak = 5s;
    soaking.later_soak = 10ms;
    begin(life, policy_of(3), soaking);
    replace_next(life);
    CHECK(life.pass(4'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Drain worker=1 successor=2"});
    life.exit(wrk(1));
    replace_next(life);
    CHECK(life.pass(9ms).empty());
    CHECK(life.pass(1ms) == Lines{"Drain worker=2 successor=2"});
}

TEST_CASE("a worker of a rolling reload that falls in its soak is said to have had the one it had") {
    Policy soaking = rolling(3);
    soaking.soak = 5s;
    soaking.later_soak = 10ms;
    const auto soak_in_the_reply = [](const Life& life) {
        const Failure failure = std::get<Reply::Failed>(the<Reply>(life.actions()).outcome).failure;
        return std::get<failure::CrashedInSoak>(failure).soak;
    };

    Life first;
    begin(first, policy_of(3), soaking);
    replace_next(first);
    first.exit(wrk(4));
    CHECK(soak_in_the_reply(first) == 5s);

    Life later;
    begin(later, policy_of(3), soaking);
    replace_next(later);
    later.pass(5s);
    later.exit(wrk(1));
    replace_next(later);
    later.exit(wrk(5));
    CHECK(soak_in_the_reply(later) == 10ms);

    // One of two that began together falls when the other one has stood its soak.
    Life both;
    soaking.max_surge = 2;
    begin(both, policy_of(3), soaking);
    both.spawned(gen(2));
    both.feed(WorkerReady{wrk(4)});
    both.pass(2s);
    both.feed(WorkerReady{wrk(5)});
    both.pass(3s);
    both.exit(wrk(5));
    CHECK(soak_in_the_reply(both) == 5s);
}

TEST_CASE("slots of a rolling reload that begin at once share the soak of the first step") {
    Life life;
    Policy soaking = rolling(3);
    soaking.max_surge = 2;
    soaking.soak = 5s;
    begin(life, policy_of(3), soaking);
    life.spawned(gen(2));
    CHECK(life.ready(gen(2)).empty());
    CHECK(count(life.pass(4'999ms), "Drain") == 0);
    CHECK(count(life.pass(1ms), "Drain") == 2);
}

TEST_CASE("the first generation of a rolling configuration soaks as one that replaces nobody") {
    Life life;
    Policy soaking = rolling(2);
    soaking.soak = 5s;
    life.start(soaking);
    life.spawned(gen(1));
    CHECK(contains(life.ready(gen(1)), "Reply request=1 outcome=promoted generation=1"));
}

TEST_CASE("a rolling reload that fails midway gives every slot back, from the old executable") {
    Life life;
    begin(life, policy_of(3), rolling(3));
    replace_next(life);
    life.exit(wrk(1));
    replace_next(life);
    life.exit(wrk(2));
    life.spawned(gen(2));

    // Worker 6, in slot 2, fails: 4 and 5 serve on, and slot 0 begins its way back.
    const Lines failed = life.exit(wrk(6), 1);
    CHECK(failed == Lines{"GenerationChanged generation=2 state=aborting failure=exited_before_ready "
                          "failed_worker=6 failed_slot=2 code=1",
                          "Reply request=2 outcome=failed generation=2 failure=exited_before_ready "
                          "failed_worker=6 failed_slot=2 code=1",
                          "Spawn worker=7 generation=1 slot=0"});
    CHECK(ready(life) == 3);
    life.feed(WorkerSpawned{wrk(7)});
    CHECK(life.feed(WorkerReady{wrk(7)}) == Lines{"Drain worker=4 successor=1"});
    CHECK(life.exit(wrk(4)) == Lines{"Spawn worker=8 generation=1 slot=1"});
    life.feed(WorkerSpawned{wrk(8)});
    CHECK(life.feed(WorkerReady{wrk(8)}) == Lines{"Drain worker=5 successor=1"});
    CHECK(life.exit(wrk(5)) == Lines{"GenerationChanged generation=2 state=gone", "Release generation=2"});
    CHECK(in_state(life, gen(1), WorkerState::ready) == 3);
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("a new worker that dies when its predecessor is gone is replaced by the old at once") {
    Life life;
    begin(life, policy_of(3), rolling(3));
    replace_next(life);
    life.exit(wrk(1));
    replace_next(life);  // slots 0 and 1 are served by 4 and 5; 2 drains
    const Lines lines = life.exit(wrk(4), 7);
    CHECK(contains(lines,
                   "GenerationChanged generation=2 state=aborting failure=exited_before_promotion "
                   "failed_worker=4 failed_slot=0 code=7"));
    CHECK(contains(lines, "Spawn worker=6 generation=1 slot=0"));
    // Slot 1 has two processes already: the one that drains, and the one that serves.
    CHECK(count(lines, "Spawn") == 1);
    CHECK(life.exit(wrk(2)) == Lines{"Spawn worker=7 generation=1 slot=1"});
}

TEST_CASE("a new worker that dies in its own soak is said to") {
    Life life;
    Policy soaking = rolling(2);
    soaking.soak = 5s;
    begin(life, policy_of(2), soaking);
    replace_next(life);
    const Lines lines = life.exit(wrk(3), 1);
    CHECK(count(lines, "Reply request=2 outcome=failed generation=2 failure=crashed_in_soak") == 1);
    CHECK(count(lines, "Drain") == 0);
    CHECK(in_state(life, gen(1), WorkerState::ready) == 2);
}

TEST_CASE("an old worker that dies midway comes back as its own generation, until its slot is replaced") {
    Life life;
    begin(life, policy_of(2), rolling(2));
    const Lines crashed = life.exit(wrk(2), 1);
    CHECK(count(crashed, "RestartScheduled generation=1 slot=1") == 1);
    replace_next(life);
    CHECK(life.exit(wrk(1)) == Lines{"Spawn worker=4 generation=2 slot=1"});
    // Still waiting for its restart when the new one is ready: nothing is left to restart or to drain.
    const Lines promoted = replace_next(life);
    CHECK(contains(promoted, "Reply request=2 outcome=promoted generation=2"));
    CHECK(count(promoted, "Drain") == 0);
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("a stop in the middle of a rolling reload drains both generations") {
    Life life;
    begin(life, policy_of(2), rolling(2));
    replace_next(life);
    life.exit(wrk(1));
    const Lines lines = life.stop(req(9));
    CHECK(count(lines, "Reply request=2 outcome=failed generation=2 failure=stopping") == 1);
    CHECK(contains(lines, "Drain worker=3"));
    CHECK(contains(lines, "Drain worker=2"));
    CHECK(count(lines, "Spawn") == 0);
    CHECK(contains(joined({life.exit_all(gen(1)), life.exit_all(gen(2))}), "Exit code=0"));
}

TEST_CASE("a stop while slots are given back drains those that still serve") {
    Life life;
    begin(life, policy_of(2), rolling(2));
    replace_next(life);
    life.exit(wrk(1));
    life.spawned(gen(2));
    life.exit(wrk(4), 1);
    const Lines lines = life.stop(req(9));
    CHECK(contains(lines, "Drain worker=3"));
    CHECK(contains(joined({life.exit_all(gen(2)), life.exit_all(gen(1))}), "Exit code=0"));
}

TEST_CASE("requests during a rolling reload coalesce into one that follows it") {
    Life life;
    begin(life, policy_of(2), rolling(2));
    CHECK(life.reload(req(3)).empty());
    replace_next(life);
    CHECK(life.reload(req(4)).empty());
    life.exit(wrk(1));
    const Lines promoted = replace_next(life);
    CHECK(contains(promoted, "Reply request=2 outcome=promoted generation=2"));
    CHECK(contains(promoted, "Prepare generation=3"));
    CHECK(count(promoted, "Prepare") == 1);
}

TEST_CASE("a rolling reload to fewer workers drains the surplus when it is promoted") {
    Life life;
    begin(life, policy_of(4), rolling(2));
    replace_next(life);
    life.exit(wrk(1));
    CHECK(ready(life) == 4);
    const Lines promoted = replace_next(life);
    CHECK(contains(promoted, "Reply request=2 outcome=promoted generation=2"));
    CHECK(count(promoted, "Drain") == 3);
}

TEST_CASE("a rolling reload to more workers adds them one step at a time") {
    Life life;
    begin(life, policy_of(2), rolling(4));
    for (int slot = 0; slot < 3; ++slot) {
        CHECK(in_state(life, gen(2), WorkerState::spawning) == 1);
        replace_next(life);
        exit_the_drained(life, gen(1));
    }
    CHECK(contains(replace_next(life), "Reply request=2 outcome=promoted generation=2"));
}

TEST_CASE("workers beyond the old count are not kept when a rolling reload fails") {
    Life life;
    begin(life, policy_of(1), rolling(3));
    replace_next(life);
    life.exit(wrk(1));
    replace_next(life);  // slot 1, which the old generation has not
    life.spawned(gen(2));
    const Lines failed = life.exit(wrk(4), 1);
    CHECK(contains(failed, "Drain worker=3 successor=1"));
    CHECK(contains(failed, "Spawn worker=5 generation=1 slot=0"));
    CHECK(life.state(wrk(2)) == WorkerState::ready);
}

TEST_CASE("a reload begins also when the old generation cannot be restored, and takes over every slot") {
    Life life;
    Policy one_at_a_time = rolling(2);
    one_at_a_time.max_draining = 1;
    Policy old = policy_of(2);
    old.max_draining = 1;
    begin(life, old, one_at_a_time);
    replace_next(life);
    life.exit(wrk(1));
    life.spawned(gen(2));
    life.exit(wrk(4), 1);  // worker 3 serves slot 0 on; worker 5 is to take it back
    life.feed(SpawnFailed{wrk(5), "the executable has changed"});
    CHECK(life.state(wrk(3)) == WorkerState::ready);

    CHECK(life.reload(req(3)) == Lines{"Prepare generation=3"});
    CHECK(contains(life.prepared(gen(3), rolling(2)), "Spawn worker=6 generation=3 slot=0"));
    CHECK_FALSE(life.next_deadline());  // no restart of slot 0 any more
    life.spawned(gen(3));
    CHECK(life.ready(gen(3)) == Lines{"Drain worker=3 successor=3"});
    CHECK(contains(life.exit(wrk(3)), "Spawn worker=7 generation=3 slot=1"));
    life.spawned(gen(3));
    CHECK(contains(life.ready(gen(3)), "Reply request=3 outcome=promoted generation=3"));
}

TEST_CASE("a replacing reload drains those that still serve after a rolling one failed") {
    Life life;
    begin(life, policy_of(2), rolling(2));
    replace_next(life);
    life.exit(wrk(1));
    life.spawned(gen(2));
    life.exit(wrk(4), 1);
    life.feed(SpawnFailed{wrk(5), "the executable has changed"});
    life.reload(req(3));
    life.prepared(gen(3), policy_of(2));
    life.spawned(gen(3));
    const Lines promoted = life.ready(gen(3));
    CHECK(contains(promoted, "Drain worker=3 successor=3"));
    CHECK(contains(promoted, "Drain worker=2 successor=3"));
}

TEST_CASE("a replaced slot's worker hands over to the new generation, and back when the reload fails") {
    Life life;
    life.serve(policy_of(3));
    for (const WorkerView& worker : life.workers(gen(1))) life.feed(WorkerOpenedChannel{worker.worker});
    life.reload(req(2));
    life.prepared(gen(2), rolling(3));
    life.spawned(gen(2));
    life.feed(WorkerOpenedChannel{wrk(4)});
    CHECK(life.feed(WorkerReady{wrk(4)}) == Lines{"Drain worker=1 successor=2 inbox=2"});
    // It drains still when the reload fails: its peers take what it has left.
    const Lines failed = life.exit(wrk(4), 1);
    CHECK(contains(failed, "OfferInbox worker=1 inbox=1"));
    CHECK(contains(failed, "Spawn worker=5 generation=1 slot=0"));
}

TEST_CASE(
    "a replaced slot's worker is offered late by its successor, and only else by those that it leaves") {
    Life life;
    life.serve(policy_of(2));
    for (const WorkerView& worker : life.workers(gen(1))) life.feed(WorkerOpenedChannel{worker.worker});
    life.reload(req(2));
    life.prepared(gen(2), rolling(2));
    life.spawned(gen(2));
    CHECK(life.feed(WorkerReady{wrk(3)}) == Lines{"Drain worker=1 successor=2"});
    SECTION("by its successor") {
        CHECK(life.feed(WorkerOpenedChannel{wrk(3)}) == Lines{"OfferInbox worker=1 inbox=2"});
    }
    SECTION("by its peers, while nobody there takes, and by its successor when they go") {
        CHECK(life.feed(WorkerOpenedChannel{wrk(2)}) == Lines{"OfferInbox worker=1 inbox=1"});
        life.feed(WorkerOpenedChannel{wrk(3)});
        CHECK(contains(life.feed(RemoveWorkerRequested{}), "OfferInbox worker=1 inbox=2"));
    }
}

TEST_CASE("a generation whose last that took was replaced takes again when its slot is given back") {
    Life life;
    life.serve(policy_of(2));
    life.feed(WorkerOpenedChannel{wrk(1)});
    life.reload(req(2));
    life.prepared(gen(2), rolling(2));
    life.spawned(gen(2));
    life.feed(WorkerOpenedChannel{wrk(3)});
    CHECK(life.feed(WorkerReady{wrk(3)}) ==
          Lines{"CloseInbox generation=1 successor=2", "Drain worker=1 successor=2 inbox=2"});
    life.exit(wrk(1));
    life.exit(wrk(4), 1);
    life.spawned(gen(1));
    CHECK(life.feed(WorkerOpenedChannel{wrk(5)}) == Lines{"ReopenInbox generation=1 worker=5"});
    CHECK(life.feed(WorkerReady{wrk(5)}) == Lines{"Drain worker=3 successor=1 inbox=1"});
}
