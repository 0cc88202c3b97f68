#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

Policy ready_after(sup::Duration delay) {
    Policy policy = policy_of(2);
    policy.ready_after = delay;
    policy.ready_timeout = 10ms;
    return policy;
}

}  // namespace

TEST_CASE("a worker that is not ready in time is killed, and its reload fails for that") {
    Life life = half_way();
    CHECK(life.pass(29'999ms).empty());
    CHECK(
        life.pass(1ms) ==
        Lines{
            "Kill worker=4 reason=ready_timeout",
            "GenerationChanged generation=2 state=aborting failure=ready_timeout failed_worker=4 "
            "failed_slot=1",
            "Reply request=2 outcome=failed generation=2 failure=ready_timeout failed_worker=4 failed_slot=1",
            "Drain worker=3 successor=1"});
}

TEST_CASE("the time to become ready counts from the moment the process was spawned") {
    Life life;
    life.start(policy_of(1));
    CHECK(life.pass(60'000ms).empty());
    life.spawned(gen(1));
    CHECK(life.pass(29'999ms).empty());
    CHECK(contains(life.pass(1ms), "Kill worker=1 reason=ready_timeout"));
}

TEST_CASE("a ready worker has no deadline any more") {
    Life life;
    life.serve(policy_of(1));
    CHECK_FALSE(life.next_deadline());
    CHECK(life.pass(100'000ms).empty());
}

TEST_CASE("a worker that asks for more time gets it, counted from when it asked") {
    Life life;
    life.start(policy_of(1));
    life.spawned(gen(1));
    life.pass(20'000ms);
    CHECK(life.feed(WorkerExtendedTimeout{wrk(1), 15'000ms}).empty());
    CHECK(life.pass(14'999ms).empty());
    CHECK(contains(life.pass(1ms), "Kill worker=1 reason=ready_timeout"));
}

TEST_CASE("asking for more time never shortens a deadline") {
    Life life;
    life.start(policy_of(1));
    life.spawned(gen(1));
    life.feed(WorkerExtendedTimeout{wrk(1), 5ms});
    CHECK(life.actions().empty());
    CHECK(life.pass(29'999ms).empty());
}

TEST_CASE("asking for all the time there is does not overflow") {
    Life life;
    life.start(policy_of(1));
    life.spawned(gen(1));
    life.feed(WorkerExtendedTimeout{wrk(1), sup::Duration::max()});
    CHECK(life.pass(1'000'000'000ms).empty());
    CHECK(life.state(wrk(1)) == WorkerState::starting);
}

TEST_CASE("a ready worker cannot extend anything, and a drain is never extended") {
    Life life;
    life.serve(policy_of(1));
    life.feed(WorkerExtendedTimeout{wrk(1), 90'000ms});
    CHECK(life.actions().empty());
    life.replace(gen(2), policy_of(1));
    life.feed(WorkerExtendedTimeout{wrk(1), 90'000ms});
    CHECK(life.actions().empty());
    CHECK(contains(life.pass(30'000ms), "Kill worker=1 reason=drain_timeout"));
}

TEST_CASE("with a delay, a worker is ready when it has lived that long") {
    Life life;
    life.start(ready_after(500ms));
    life.spawned(gen(1));
    CHECK(life.pass(499ms).empty());  // ready_timeout is shorter and does not apply
    CHECK(contains(life.pass(1ms), "Reply request=1 outcome=promoted generation=1"));
}

TEST_CASE("with a delay, a worker's own word about its readiness is ignored") {
    Life life;
    life.start(ready_after(500ms));
    life.spawned(gen(1));
    life.feed(WorkerReady{wrk(1)});
    CHECK(life.actions().empty());
    life.feed(WorkerExtendedTimeout{wrk(1), 5'000ms});
    CHECK(life.actions().empty());
    life.pass(500ms);
    CHECK(life.view().state == InstanceState::running);
    life.feed(WorkerReady{wrk(1)});
    CHECK(life.actions().empty());
}

TEST_CASE("a delay of nothing makes a worker ready as soon as the loop comes round") {
    Life life;
    life.start(ready_after(0ms));
    life.spawned(gen(1));
    life.pass(0ms);
    CHECK(life.view().state == InstanceState::running);
}
