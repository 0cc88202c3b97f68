#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("the next deadline is the earliest of all") {
    Policy policy = policy_of(2);
    policy.ready_timeout = 30s;
    policy.drain_timeout = 10s;
    Life life;
    life.serve(policy);
    CHECK_FALSE(life.next_deadline());
    life.feed(AddWorkerRequested{});
    life.spawned(gen(1));
    CHECK(life.next_deadline() == life.now() + 30s);
    life.pass(1s);
    life.feed(WorkerReady{wrk(3)});
    life.feed(RemoveWorkerRequested{});
    CHECK(life.next_deadline() == life.now() + 10s);
    life.exit(wrk(3));
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("of deadlines that have come, one is acted upon in a step, the earliest first") {
    Life life;
    life.serve(policy_of(2));
    life.feed(AddWorkerRequested{});
    life.spawned(gen(1));
    life.ready(gen(1));
    life.feed(RemoveWorkerRequested{});  // worker 3
    life.pass(1s);
    life.feed(RemoveWorkerRequested{});  // worker 2
    Supervisor& late = life.supervisor();
    const TimePoint now = life.now() + 1h;
    CHECK(the<Kill>(late.step(DeadlineReached{}, now)).worker == wrk(3));
    CHECK(late.next_deadline() < now);
    CHECK(the<Kill>(late.step(DeadlineReached{}, now)).worker == wrk(2));
    CHECK_FALSE(late.next_deadline());
    CHECK(late.step(DeadlineReached{}, now).empty());
}

TEST_CASE("of deadlines of one moment the oldest worker's comes first") {
    Life life;
    life.serve(policy_of(3));
    life.stop(req(9));
    const Lines lines = life.pass(30s);
    CHECK(lines == Lines{"Kill worker=1 reason=drain_timeout", "Kill worker=2 reason=drain_timeout",
                         "Kill worker=3 reason=drain_timeout"});
}
