#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

// One generation drains, which is as many as may.
Life at_the_cap() {
    Policy policy = policy_of(1);
    policy.max_draining = 1;
    Life life;
    life.serve(policy);
    life.replace(gen(2), policy);
    return life;
}

}  // namespace

TEST_CASE("a reload waits while as many generations drain as may, and says so once") {
    Life life = at_the_cap();
    CHECK(life.reload(req(9)) == Lines{"ReloadWaits draining=1 max_draining=1"});
    CHECK(life.view().state == InstanceState::reloading);
    CHECK(life.feed(DeadlineReached{}).empty());
}

TEST_CASE("a reload that waits for the cap starts as soon as a generation is gone") {
    Life life = at_the_cap();
    life.reload(req(9));
    CHECK(life.exit(wrk(1)) ==
          Lines{"GenerationChanged generation=1 state=gone", "Release generation=1", "Prepare generation=3"});
}

TEST_CASE("requests that come while a reload waits for the cap join it") {
    Life life = at_the_cap();
    life.reload(req(9));
    CHECK(life.reload(req(10)).empty());
    life.exit(wrk(1));
    life.prepared(gen(3), policy_of(1));
    life.spawned(gen(3));
    const Lines lines = life.ready(gen(3));
    CHECK(contains(lines, "Reply request=9 outcome=promoted generation=3"));
    CHECK(contains(lines, "Reply request=10 outcome=promoted generation=3"));
    CHECK(count(lines, "Prepare") == 0);
}

TEST_CASE("the wait for the cap ends with the drain deadline at the latest, and never shortens it") {
    Life life = at_the_cap();
    life.pass(10'000ms);
    CHECK(count(life.reload(req(9)), "Kill") == 0);
    CHECK(life.pass(19'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Kill worker=1 reason=drain_timeout"});
    CHECK(life.exit(wrk(1)).back() == "Prepare generation=3");
}

TEST_CASE("a generation that is aborting counts as one that drains") {
    Policy policy = policy_of(2);
    policy.max_draining = 1;
    Life life = half_way(policy);
    life.exit(wrk(4));
    CHECK(life.reload(req(3)) == Lines{"ReloadWaits draining=1 max_draining=1"});
    CHECK(life.exit(wrk(3)).back() == "Prepare generation=3");
}

TEST_CASE("the cap is the active generation's") {
    Policy tight = policy_of(1);
    tight.max_draining = 1;
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy_of(1));
    life.replace(gen(3), tight);
    CHECK(life.reload(req(9)) == Lines{"ReloadWaits draining=2 max_draining=1"});
    CHECK(contains(life.exit(wrk(1)), "ReloadWaits draining=1 max_draining=1"));
    CHECK(life.exit(wrk(2)).back() == "Prepare generation=4");
}
