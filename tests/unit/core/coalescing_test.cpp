#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("requests that come while a reload prepares, starts or soaks become one next reload") {
    Life life;
    Policy soaking = policy_of(1);
    soaking.soak = 1'000ms;
    life.serve(policy_of(1));
    life.reload(req(2));
    CHECK(life.reload(req(3)).empty());  // preparing
    life.prepared(gen(2), soaking);
    CHECK(life.reload(req(4)).empty());  // starting
    life.spawned(gen(2));
    life.ready(gen(2));
    CHECK(life.reload(req(5)).empty());  // soaking
    const Lines promoted = life.pass(1'000ms);
    CHECK(count(promoted, "Reply") == 1);
    CHECK(promoted.back() == "Prepare generation=3");

    life.prepared(gen(3), policy_of(1));
    life.spawned(gen(3));
    const Lines next = life.ready(gen(3));
    CHECK(contains(next, "Reply request=3 outcome=promoted generation=3"));
    CHECK(contains(next, "Reply request=4 outcome=promoted generation=3"));
    CHECK(contains(next, "Reply request=5 outcome=promoted generation=3"));
    CHECK(count(next, "Prepare") == 0);
}

TEST_CASE("a reload that fails answers its own askers, and the waiting one runs") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(1));
    life.spawned(gen(2));
    life.reload(req(3));
    const Lines lines = life.exit(wrk(2), 1);
    CHECK(count(lines, "Reply request=2 outcome=failed generation=2 failure=exited_before_ready") == 1);
    CHECK(count(lines, "Reply") == 1);
    CHECK(lines.back() == "Prepare generation=3");
}

TEST_CASE("a reload whose preparation fails answers its own askers, and the waiting one runs") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.reload(req(3));
    CHECK(life.feed(PrepareFailed{gen(2), true, "bad"}) ==
          Lines{"Reply request=2 outcome=failed failure=configuration_error detail=\"bad\"",
                "Prepare generation=2"});
}

TEST_CASE("each of a thousand requests gets exactly one answer, and two generations are made") {
    Life life;
    life.serve(policy_of(1));
    Lines lines;
    for (std::uint64_t i = 0; i < 1'000; ++i) lines = joined({lines, life.reload(req(100 + i))});
    for (std::uint32_t number = 2; number <= 3; ++number) {
        lines = joined({lines, life.prepared(gen(number), policy_of(1))});
        life.spawned(gen(number));
        lines = joined({lines, life.ready(gen(number))});
    }
    CHECK(count(lines, "Prepare ") == 2);
    CHECK(count(lines, "Reply") == 1'000);
    CHECK(count(lines, "Reply request=100 outcome=promoted generation=2") == 1);
    CHECK(count(lines, "Reply request=1099 outcome=promoted generation=3") == 1);
    CHECK(life.view().state == InstanceState::running);
}

TEST_CASE("a request that comes while the first generation starts is the first reload") {
    Life life;
    life.start(policy_of(1));
    CHECK(life.reload(req(2)).empty());
    CHECK(life.view().state == InstanceState::starting);
    life.spawned(gen(1));
    CHECK(life.ready(gen(1)).back() == "Prepare generation=2");
}
