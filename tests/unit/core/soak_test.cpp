#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

// Generation 1 serves with worker 1; all of generation 2 (workers 2 and 3) is ready and soaks for five
// seconds.
Life soaking() {
    Policy policy = policy_of(2);
    policy.soak = 5'000ms;
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy);
    return life;
}

}  // namespace

TEST_CASE("while a generation soaks the old one is active, and nobody is told anything") {
    Life life = soaking();
    CHECK(life.generation(gen(2))->state == GenerationState::soaking);
    CHECK(life.generation(gen(1))->state == GenerationState::active);
    CHECK(life.view().state == InstanceState::reloading);
    CHECK(life.pass(4'999ms).empty());
}

TEST_CASE("a generation that outlived its soak is promoted") {
    Life life = soaking();
    CHECK(life.pass(5'000ms) == Lines{"GenerationChanged generation=2 state=active",
                                      "Reply request=1002 outcome=promoted generation=2",
                                      "GenerationChanged generation=1 state=draining",
                                      "Drain worker=1 successor=2"});
}

TEST_CASE("any exit in the soak aborts the reload") {
    Life life = soaking();
    const Lines lines = life.feed(WorkerExited{wrk(3), {.signalled = true, .code = 11}});
    CHECK(lines ==
          Lines{"GenerationChanged generation=2 state=aborting failure=crashed_in_soak failed_worker=3 "
                "failed_slot=1 signal=11",
                "Reply request=1002 outcome=failed generation=2 failure=crashed_in_soak failed_worker=3 "
                "failed_slot=1 signal=11",
                "Drain worker=2 successor=1"});
    CHECK(life.generation(gen(1))->state == GenerationState::active);
    CHECK(life.pass(29'999ms).empty());
}

TEST_CASE("the first generation replaces nobody, so its soak is the one of a start") {
    Policy policy = policy_of(1);
    policy.soak = 5s;
    policy.start_soak = 100ms;
    Life life;
    life.start(policy);
    life.spawned(gen(1));
    CHECK(life.ready(gen(1)) == Lines{"GenerationChanged generation=1 state=soaking"});
    CHECK(life.view().state == InstanceState::starting);
    CHECK(contains(life.pass(100ms), "Reply request=1 outcome=promoted generation=1"));
}

TEST_CASE("the active generation is restarted while another soaks") {
    Life life = soaking();
    life.exit(wrk(1));
    CHECK(contains(life.pass(1'000ms), "Spawn worker=4 generation=1 slot=0"));
}
