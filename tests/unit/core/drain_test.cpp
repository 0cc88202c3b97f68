#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

Policy draining_for(sup::Duration timeout) {
    Policy policy = policy_of(1);
    policy.drain_timeout = timeout;
    return policy;
}

}  // namespace

TEST_CASE("a worker that does not finish is killed at its drain deadline, and not before") {
    Life life;
    life.serve(draining_for(7'000ms));
    life.replace(gen(2), policy_of(1));
    CHECK(life.pass(6'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Kill worker=1 reason=drain_timeout"});
    CHECK(life.state(wrk(1)) == WorkerState::killing);
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("a worker drains as long as its own generation's policy says, not its successor's") {
    Life life;
    life.serve(draining_for(7'000ms));
    life.replace(gen(2), draining_for(1ms));
    CHECK(life.pass(6'999ms).empty());
}

TEST_CASE("a worker that finishes in time is not killed") {
    Life life;
    life.serve(draining_for(7'000ms));
    life.replace(gen(2), policy_of(1));
    life.exit(wrk(1));
    CHECK(life.pass(10'000ms).empty());
}

TEST_CASE("each worker has its own deadline, and another reload does not touch it") {
    Life life;
    life.serve(draining_for(7'000ms));
    life.replace(gen(2), draining_for(3'000ms));
    life.pass(1'000ms);
    const Lines lines = life.replace(gen(3), policy_of(1));
    CHECK(count(lines, "Drain worker=1") == 0);
    CHECK(life.pass(2'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Kill worker=2 reason=drain_timeout"});
    CHECK(life.pass(2'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Kill worker=1 reason=drain_timeout"});
}

TEST_CASE("a drained worker is not restarted, however it ends") {
    Life life;
    life.serve(policy_of(2));
    life.replace(gen(2), policy_of(1));
    const Lines lines = life.feed(WorkerExited{wrk(1), {.signalled = true, .code = 11}});
    CHECK(lines.empty());
    CHECK(life.pass(20'000ms).empty());
}

TEST_CASE("a worker that is being killed at the promotion is not told to drain") {
    Policy policy = policy_of(1);
    policy.ready_timeout = 1'000ms;
    Life life;
    life.serve(policy);
    life.pass(5'000ms);
    life.exit(wrk(1));
    life.spawned(gen(1));
    REQUIRE(contains(life.pass(1'000ms), "Kill worker=2 reason=ready_timeout"));
    CHECK(count(life.replace(gen(2), policy_of(1)), "Drain") == 0);
    CHECK(life.state(wrk(2)) == WorkerState::killing);
    CHECK(life.exit(wrk(2)) == Lines{"GenerationChanged generation=1 state=gone", "Release generation=1"});
}
