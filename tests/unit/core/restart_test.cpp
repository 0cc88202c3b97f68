#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

// Exits at once, again and again; the delays it was given.
std::vector<sup::Duration> delays_of_a_crash_loop(Life& life, int crashes) {
    std::vector<sup::Duration> delays;
    for (int i = 0; i < crashes; ++i) {
        life.spawned(gen(1));
        life.exit(life.workers(gen(1)).at(0).worker, 1);
        delays.push_back(the<RestartScheduled>(life.actions()).delay);
        life.pass(delays.back());
    }
    return delays;
}

}  // namespace

TEST_CASE("a worker that lived long enough is restarted in the same step, in its slot") {
    Life life;
    life.serve(policy_of(2));
    life.pass(1s);
    CHECK(life.exit(wrk(2), 1) == Lines{"RestartScheduled generation=1 slot=1 delay=0ms short_lives=0",
                                        "Spawn worker=3 generation=1 slot=1"});
    CHECK_FALSE(life.view().degraded);
    CHECK(life.workers(gen(1)).at(1).restarts == 1);
}

TEST_CASE("a worker that exits sooner than restart.min_uptime is restarted after a delay") {
    Life life;
    life.serve(policy_of(1));
    life.pass(999ms);
    const Lines lines = life.exit(wrk(1));
    CHECK(count(lines, "Spawn") == 0);
    const auto scheduled = the<RestartScheduled>(life.actions());
    CHECK(scheduled.short_lives == 1);
    CHECK(scheduled.delay >= 100ms);
    CHECK(scheduled.delay <= 150ms);
    CHECK(life.view().degraded);
    CHECK(life.generation(gen(1))->awaiting_restart == std::vector<Slot>{0});
    CHECK(life.pass(scheduled.delay - 1ms).empty());
    CHECK(life.pass(1ms) == Lines{"Spawn worker=2 generation=1 slot=0"});
    CHECK_FALSE(life.view().degraded);
}

TEST_CASE("a worker that never became ready lived shortly, however long it was") {
    Life life;
    life.serve(policy_of(1));
    life.pass(5s);
    life.exit(wrk(1));
    life.spawned(gen(1));
    life.pass(20s);
    life.exit(wrk(2));
    CHECK(the<RestartScheduled>(life.actions()).short_lives == 1);
}

TEST_CASE(
    "each short life in a row doubles the delay, jitter adds up to half, and backoff_max is the limit") {
    Policy policy = policy_of(1);
    policy.backoff_max = 2s;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Life life(seed);
        life.serve(policy);
        const auto delays = delays_of_a_crash_loop(life, 8);
        auto base = 100ms;
        for (const auto delay : delays) {
            CHECK(delay >= base);
            CHECK(delay <= std::min<sup::Duration>(base * 3 / 2, 2s));
            base = std::min<std::chrono::milliseconds>(base * 2, 2s);
        }
        CHECK(delays.back() == 2s);
    }
}

TEST_CASE("the jitter reaches all of its range and differs between seeds") {
    sup::Duration least = 1h;
    sup::Duration most = 0ms;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        Life life(seed);
        life.serve(policy_of(1));
        const auto delay = delays_of_a_crash_loop(life, 1).front();
        least = std::min(least, delay);
        most = std::max(most, delay);
    }
    CHECK(least <= 105ms);
    CHECK(most >= 145ms);
}

TEST_CASE("the delay does not overflow after very many short lives, and the supervisor never gives up") {
    Life life;
    life.serve(policy_of(1));
    const auto delays = delays_of_a_crash_loop(life, 200);
    CHECK(delays.back() == 30s);
    CHECK(life.workers(gen(1)).size() == 1);
    CHECK(life.workers(gen(1)).at(0).restarts == 200);
}

TEST_CASE("a backoff_max below backoff_min is the limit all the same") {
    Policy policy = policy_of(1);
    policy.backoff_max = 40ms;
    Life life;
    life.serve(policy);
    CHECK(delays_of_a_crash_loop(life, 2) == std::vector<sup::Duration>{40ms, 40ms});
}

TEST_CASE("without a backoff_min there is no delay, after however many short lives") {
    Policy policy = policy_of(1);
    policy.backoff_min = 0ms;
    Life life;
    life.serve(policy);
    CHECK(delays_of_a_crash_loop(life, 100) == std::vector<sup::Duration>(100, 0ms));
}

TEST_CASE("one life that is not short starts the backoff again from the beginning") {
    Life life;
    life.serve(policy_of(1));
    delays_of_a_crash_loop(life, 4);
    life.spawned(gen(1));
    life.ready(gen(1));
    life.pass(1s);
    life.exit(life.workers(gen(1)).at(0).worker);
    CHECK(the<RestartScheduled>(life.actions()).delay == 0ms);
    life.spawned(gen(1));
    life.exit(life.workers(gen(1)).at(0).worker);
    CHECK(the<RestartScheduled>(life.actions()).short_lives == 1);
}

TEST_CASE("slots back off each for itself") {
    Life life;
    life.serve(policy_of(2));
    life.exit(wrk(1));
    life.exit(wrk(2));
    CHECK(the<RestartScheduled>(life.actions()).short_lives == 1);
    CHECK(life.generation(gen(1))->awaiting_restart == std::vector<Slot>{0, 1});
}

TEST_CASE("a restarted worker that does not become ready in time is killed, and that was a short life") {
    Life life;
    life.serve(policy_of(1));
    life.pass(5s);
    life.exit(wrk(1));
    life.spawned(gen(1));
    CHECK(life.pass(30s) == Lines{"Kill worker=2 reason=ready_timeout"});
    CHECK(life.generation(gen(1))->state == GenerationState::active);
    life.feed(WorkerExited{wrk(2), {.signalled = true, .code = 9}});
    CHECK(the<RestartScheduled>(life.actions()).short_lives == 1);
}

TEST_CASE("a restart that cannot be spawned is a short life") {
    Life life;
    life.serve(policy_of(1));
    life.pass(5s);
    life.exit(wrk(1));
    const Lines lines = life.feed(SpawnFailed{wrk(2), "Resource temporarily unavailable"});
    CHECK(count(lines, "RestartScheduled generation=1 slot=0") == 1);
    CHECK(life.view().degraded);
    CHECK(contains(life.pass(1s), "Spawn worker=3 generation=1 slot=0"));
}

TEST_CASE("a crashed worker comes back as its own generation while another is on its way") {
    Life life;
    life.serve(policy_of(1));
    life.pass(5s);
    life.reload(req(2));
    life.prepared(gen(2), policy_of(1));
    CHECK(contains(life.exit(wrk(1)), "Spawn worker=3 generation=1 slot=0"));
}

TEST_CASE("a good reload ends the wait for restarts") {
    Life life;
    life.serve(policy_of(2));
    life.exit(wrk(1));
    REQUIRE(life.view().degraded);
    life.replace(gen(2), policy_of(2));
    CHECK_FALSE(life.view().degraded);
    CHECK(count(life.pass(20s), "Spawn") == 0);
}
