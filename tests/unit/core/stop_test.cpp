#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

TEST_CASE("a stop drains everything without a successor, then answers, then exits with 0") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.stop(req(2)) ==
          Lines{"GenerationChanged generation=1 state=draining", "Drain worker=1", "Drain worker=2"});
    CHECK(life.view().state == InstanceState::stopping);
    CHECK(life.exit(wrk(1)).empty());
    CHECK(life.exit(wrk(2)) == Lines{"GenerationChanged generation=1 state=gone", "Release generation=1",
                                     "Reply request=2 outcome=stopped", "Exit code=0"});
}

TEST_CASE("a stop ends by the drain deadline") {
    Life life;
    life.serve(policy_of(1));
    life.stop(req(2));
    CHECK(life.pass(29'999ms).empty());
    CHECK(life.pass(1ms) == Lines{"Kill worker=1 reason=drain_timeout"});
}

TEST_CASE("a second stop kills at once what is left, and each is answered") {
    Life life;
    life.serve(policy_of(2));
    life.stop(req(2));
    life.exit(wrk(1));
    CHECK(life.stop(req(3)) == Lines{"Kill worker=2 reason=stop_now"});
    CHECK_FALSE(life.next_deadline());
    CHECK(life.stop(req(4)).empty());  // it is being killed already
    const Lines lines = life.exit(wrk(2));
    CHECK(count(lines, "Reply") == 3);
    CHECK(lines.back() == "Exit code=0");
}

TEST_CASE("one Ctrl-C that is heard twice is one stop, and a second signal a second later kills") {
    Life life;
    life.serve(policy_of(1));
    life.feed(StopRequested{req(2), false, StopBy::signal});
    CHECK(life.feed(StopRequested{req(3), false, StopBy::signal}).empty());
    CHECK(life.feed(StopRequested{req(4)}).empty());  // a wrapper's `trap 'sup stop' INT`
    CHECK(life.pass(999ms).empty());
    CHECK(life.feed(StopRequested{req(5), false, StopBy::signal}).empty());
    life.pass(1ms);
    CHECK(life.feed(StopRequested{req(6), false, StopBy::signal}) == Lines{"Kill worker=1 reason=stop_now"});
    CHECK(count(life.exit(wrk(1)), "Reply") == 5);
}

TEST_CASE("a stop that says now kills at once, even right after a signal") {
    Life life;
    life.serve(policy_of(1));
    life.feed(StopRequested{req(2), false, StopBy::signal});
    CHECK(life.stop(req(3), true) == Lines{"Kill worker=1 reason=stop_now"});
}

TEST_CASE("a signal after a stop that was called for is a second one") {
    Life life;
    life.serve(policy_of(1));
    life.stop(req(2));
    CHECK(life.feed(StopRequested{req(3), false, StopBy::signal}) == Lines{"Kill worker=1 reason=stop_now"});
}

TEST_CASE("a lost terminal stops, and is never a second stop") {
    Life life;
    life.serve(policy_of(1));
    CHECK(count(life.feed(StopRequested{req(2), false, StopBy::lost_terminal}), "Drain") == 1);
    life.pass(5s);
    CHECK(life.feed(StopRequested{req(3), false, StopBy::lost_terminal}).empty());
    CHECK(life.feed(StopRequested{req(4), false, StopBy::signal}) == Lines{"Kill worker=1 reason=stop_now"});
}

TEST_CASE("the SIGTERM that the end of a session brings after the lost terminal is the same stop") {
    Life life;
    life.serve(policy_of(1));
    life.feed(StopRequested{req(2), false, StopBy::lost_terminal});
    CHECK(life.feed(StopRequested{req(3), false, StopBy::signal}).empty());
    CHECK(life.pass(999ms).empty());
    CHECK(life.feed(StopRequested{req(4), false, StopBy::signal}).empty());
    life.pass(1ms);
    CHECK(life.feed(StopRequested{req(5), false, StopBy::signal}) == Lines{"Kill worker=1 reason=stop_now"});
}

TEST_CASE("a stop that says now kills at once, and drains nobody") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.stop(req(2), true) == Lines{"Kill worker=1 reason=stop_now", "Kill worker=2 reason=stop_now",
                                           "GenerationChanged generation=1 state=draining"});
    CHECK_FALSE(life.next_deadline());
}

TEST_CASE("a stop leaves those alone that drain already, with the deadline they have") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy_of(1));
    life.pass(10s);
    CHECK(life.stop(req(5)) == Lines{"GenerationChanged generation=2 state=draining", "Drain worker=2"});
    CHECK(life.pass(20s) == Lines{"Kill worker=1 reason=drain_timeout"});
}

TEST_CASE("a stop fails the reload that prepares, and the late answer is released") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    const Lines lines = life.stop(req(3));
    CHECK(contains(lines, "Reply request=2 outcome=failed failure=stopping"));
    CHECK(count(life.exit(wrk(1)), "Exit") == 0);
    CHECK(life.prepared(gen(2), policy_of(1)) ==
          Lines{"Release generation=2", "Reply request=3 outcome=stopped", "Exit code=0"});
}

TEST_CASE("a preparation that fails while the instance stops is nobody's failure any more") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.stop(req(3));
    CHECK(life.feed(PrepareFailed{gen(2), false, "no"}).empty());
    CHECK(life.exit(wrk(1)).back() == "Exit code=0");
}

TEST_CASE("a stop aborts the generation that starts, without a successor, and fails its asker") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.prepared(gen(2), policy_of(2));
    life.spawned(gen(2));
    life.feed(WorkerReady{wrk(2)});
    CHECK(life.stop(req(3)) == Lines{"GenerationChanged generation=2 state=aborting failure=stopping",
                                     "Reply request=2 outcome=failed generation=2 failure=stopping",
                                     "Drain worker=2", "Kill worker=3 reason=aborted",
                                     "GenerationChanged generation=1 state=draining", "Drain worker=1"});
}

TEST_CASE("a stop aborts the generation that soaks") {
    Policy soaking = policy_of(1);
    soaking.soak = 5s;
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), soaking);
    const Lines lines = life.stop(req(3));
    CHECK(contains(lines, "GenerationChanged generation=2 state=aborting failure=stopping"));
    CHECK(count(lines, "Drain") == 2);
    CHECK(life.pass(29s).empty());
}

TEST_CASE("a stop fails the requests that wait") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    life.reload(req(3));
    life.reload(req(4));
    const Lines lines = life.stop(req(5));
    for (const char* request : {"2", "3", "4"}) {
        CHECK(contains(lines, std::string("Reply request=") + request + " outcome=failed failure=stopping"));
    }
}

TEST_CASE("a stop fails a reload that waits for the draining cap") {
    Policy policy = policy_of(1);
    policy.max_draining = 1;
    Life life;
    life.serve(policy);
    life.replace(gen(2), policy);
    life.reload(req(9));
    CHECK(contains(life.stop(req(10)), "Reply request=9 outcome=failed failure=stopping"));
    CHECK(count(life.exit(wrk(1)), "Prepare") == 0);
}

TEST_CASE("who waits for the drain of a reload that was promoted is told so before the exit") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), policy_of(1));
    life.spawned(gen(2));
    life.ready(gen(2));
    CHECK(count(life.stop(req(3)), "Reply") == 0);
    life.exit(wrk(2));
    CHECK(life.exit(wrk(1)) == Lines{"GenerationChanged generation=1 state=gone", "Release generation=1",
                                     "Reply request=2 outcome=promoted generation=2",
                                     "Reply request=3 outcome=stopped", "Exit code=0"});
}

TEST_CASE("a reload asked for while the instance stops fails at once") {
    Life life;
    life.serve(policy_of(1));
    life.stop(req(2));
    CHECK(life.reload(req(3)) == Lines{"Reply request=3 outcome=failed failure=stopping"});
}

TEST_CASE("nothing restarts in an instance that stops") {
    Life life;
    life.serve(policy_of(2));
    life.exit(wrk(2));  // its slot waits for a restart
    life.stop(req(2));
    CHECK(life.pass(20s).empty());
    CHECK(life.exit(wrk(1)).back() == "Exit code=0");
}

TEST_CASE("an instance that is stopped while it starts exits with 0") {
    Life life;
    life.start(policy_of(1));
    CHECK(life.stop(req(2)) == Lines{"GenerationChanged generation=1 state=aborting failure=stopping",
                                     "Reply request=1 outcome=failed generation=1 failure=stopping",
                                     "Kill worker=1 reason=aborted"});
    CHECK(life.feed(SpawnFailed{wrk(1), "no"}).back() == "Exit code=0");
}

TEST_CASE("an instance that is stopped while its first generation prepares exits with 0") {
    Life life;
    life.feed(StartRequested{req(1)});
    CHECK(life.stop(req(2)) == Lines{"Reply request=1 outcome=failed failure=stopping"});
    CHECK(life.feed(PrepareFailed{gen(1), false, "no"}).back() == "Exit code=0");
}

TEST_CASE("an instance that is stopped before it starts exits at once") {
    Life life;
    CHECK(life.stop(req(1)) == Lines{"Reply request=1 outcome=stopped", "Exit code=0"});
}

TEST_CASE("after Exit nothing happens any more") {
    Life life;
    life.serve(policy_of(1));
    life.stop(req(2));
    life.exit(wrk(1));
    const std::vector<Event> events{StartRequested{req(3)},          ReloadRequested{req(4)},
                                    StopRequested{req(5)},           AddWorkerRequested{},
                                    RemoveWorkerRequested{},         Prepared{gen(2), policy_of(1)},
                                    WorkerSpawned{wrk(1)},           WorkerReady{wrk(1)},
                                    WorkerExited{wrk(1), {}},        DeadlineReached{},
                                    PrepareFailed{gen(2), false, ""}};
    for (const Event& event : events) {
        CHECK(life.feed(event).empty());
        CHECK(life.actions().empty());
    }
}
