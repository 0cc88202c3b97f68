#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

Policy soaking_policy() {
    Policy policy = policy_of(1);
    policy.soak = 5'000ms;
    return policy;
}

}  // namespace

TEST_CASE("a generation whose worker may not be signalled is refused, and the old one serves on") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), soaking_policy());
    CHECK(life.feed(WorkerOutOfReach{wrk(2), "it runs as root"}) ==
          Lines{"Kill worker=2 reason=aborted",
                "GenerationChanged generation=2 state=aborting failure=out_of_reach failed_worker=2 "
                "failed_slot=0 detail=\"it runs as root\"",
                "Reply request=1002 outcome=failed generation=2 failure=out_of_reach failed_worker=2 "
                "failed_slot=0 detail=\"it runs as root\""});
    CHECK(life.generation(gen(1))->state == GenerationState::active);
    CHECK(life.pass(100'000ms).empty());
}

TEST_CASE("what cannot be killed is left behind, and everything continues without it") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), soaking_policy());
    life.feed(WorkerOutOfReach{wrk(2), "it runs as root"});
    CHECK(life.feed(WorkerAbandoned{wrk(2)}) ==
          Lines{"GenerationChanged generation=2 state=gone", "Release generation=2"});
    CHECK(life.feed(WorkerExited{wrk(2), {}}).empty());
    life.stop(req(3), true);
    const Lines last = life.feed(WorkerAbandoned{wrk(1)});
    CHECK(contains(last, "Reply request=3 outcome=stopped"));
    CHECK(contains(last, "Exit code=0"));
}

TEST_CASE("a worker that serves already is kept, though it may not be signalled") {
    Life life;
    life.serve(policy_of(1));
    CHECK(life.feed(WorkerOutOfReach{wrk(1), "it runs as root"}).empty());
    CHECK(life.state(wrk(1)) == WorkerState::ready);
    CHECK(life.feed(WorkerAbandoned{wrk(1)}).empty());
    CHECK(life.state(wrk(1)) == WorkerState::ready);
}
