// What actions say so that the shell need not ask.
#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

template <typename T>
std::vector<T> all(const std::vector<Action>& actions) {
    std::vector<T> found;
    for (const Action& action : actions) {
        if (const T* match = std::get_if<T>(&action)) found.push_back(*match);
    }
    return found;
}

GenerationChanged news(const Life& life, GenerationState state) {
    for (const GenerationChanged& change : all<GenerationChanged>(life.actions())) {
        if (change.state == state) return change;
    }
    throw std::runtime_error("no such news");
}

}  // namespace

TEST_CASE("it is told first who serves, whenever that changes") {
    Life life;
    life.start(policy_of(2));
    life.spawned(gen(1));
    CHECK(life.serving() == Serving{{gen(1), GenerationState::starting, 2, {}}});
    life.feed(WorkerReady{wrk(2)});
    CHECK(std::holds_alternative<Steer>(life.actions().front()));
    CHECK(life.serving() == Serving{{gen(1), GenerationState::starting, 2, {1}}});
    life.feed(WorkerExtendedTimeout{wrk(1), 500s});
    CHECK(all<Steer>(life.actions()).empty());
}

TEST_CASE("a worker that drains says who takes over, with how many slots, and for which reload") {
    Life life;
    life.serve(policy_of(2));
    life.replace(gen(2), policy_of(3));
    life.pass(policy_of(3).soak);
    const auto drains = all<Drain>(life.actions());
    REQUIRE(drains.size() == 2);
    for (const Drain& drain : drains) CHECK(drain == Drain{drain.worker, gen(2), {}, 3, gen(2)});
}

TEST_CASE("what fails drains for its own reload, not for the one before") {
    Life life = half_way();
    life.exit(wrk(4), 1);
    CHECK(the<Drain>(life.actions()) == Drain{wrk(3), gen(1), {}, 2, gen(2)});
}

TEST_CASE("a worker that is scaled down drains for no reload, nor does one that is stopped") {
    Life life;
    life.serve(policy_of(2));
    life.feed(RemoveWorkerRequested{});
    CHECK(the<Drain>(life.actions()) == Drain{wrk(2), gen(1), {}, 1, {}});
    life.stop(req(2));
    CHECK(the<Drain>(life.actions()) == Drain{wrk(1), {}, {}, 0, {}});
}

TEST_CASE("a promotion names whom it replaces, before anybody is answered or drains") {
    Life life;
    life.start(policy_of(1));
    life.spawned(gen(1));
    life.ready(gen(1));
    life.pass(policy_of(1).start_soak);
    CHECK(the<Promote>(life.actions()) == Promote{gen(1), {}});
    life.replace(gen(2), policy_of(1));
    life.pass(policy_of(1).soak);
    CHECK(the<Promote>(life.actions()) == Promote{gen(2), gen(1)});
}

TEST_CASE("a generation that fails is given up, for the one that serves") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    CHECK(the<Prepare>(life.actions()) == Prepare{gen(2), gen(1)});
    life.prepared(gen(2), policy_of(1));
    life.feed(SpawnFailed{wrk(2), "no"});
    CHECK(the<GiveUp>(life.actions()) == GiveUp{gen(2), gen(1)});
}

TEST_CASE("sockets are restored for a worker that is ready, and when a generation has gone") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy_of(1));
    CHECK(the<RestoreSockets>(life.actions()) == RestoreSockets{gen(2), gen(1)});
    life.pass(policy_of(1).soak);
    life.exit(wrk(1));
    CHECK(the<RestoreSockets>(life.actions()) == RestoreSockets{gen(2), gen(2)});
}

TEST_CASE("O_NONBLOCK is restored when the last of what failed has gone, as it was before the first") {
    Life life;
    life.serve({.count = 1, .max_draining = 5});
    for (const std::uint32_t number : {2U, 3U}) {
        life.reload(req(number));
        life.prepared(gen(number), {.count = 2, .ready_after = 100'000ms, .max_draining = 5});
        CHECK(the<NoteSockets>(life.actions()) == NoteSockets{number == 3});
        life.spawned(gen(number));
        life.exit(wrk(2 * number - 2), 1);  // its other worker drains
    }
    life.exit(wrk(5));
    CHECK(the<RestoreSockets>(life.actions()) == RestoreSockets{gen(1), gen(1)});
    life.exit(wrk(3));
    CHECK(the<RestoreSockets>(life.actions()) == RestoreSockets{gen(1), gen(1), true});
}

TEST_CASE("output may wait for the log's reader where a worker serves and nothing changes") {
    Life life;
    life.serve(policy_of(2));
    CHECK(life.patient() == std::set{wrk(1), wrk(2)});
    life.reload(req(2));
    CHECK(life.patient().empty());
    life.feed(PrepareFailed{gen(2), false, "no"});
    CHECK(life.patient() == std::set{wrk(1), wrk(2)});
    life.feed(RemoveWorkerRequested{});
    CHECK(life.patient() == std::set{wrk(1)});
    life.stop(req(3));
    CHECK(life.patient().empty());
}

TEST_CASE("a generation's news tells its slots, and while it drains the workers that are left") {
    Life life;
    life.serve({.count = 3, .backoff_min = 1min, .backoff_max = 1min});
    life.exit(wrk(3), 1);  // its slot waits
    life.replace(gen(2), {.count = 4, .soak = 5s});
    CHECK(news(life, GenerationState::soaking).workers == 4);
    CHECK(news(life, GenerationState::soaking).ready == 4);
    life.pass(5s);
    CHECK(news(life, GenerationState::draining).workers == 2);
    CHECK(news(life, GenerationState::draining).ready == 0);
}

TEST_CASE("a worker's news tells how far its generation has come") {
    Life life;
    life.start(policy_of(4));
    life.spawned(gen(1));
    life.feed(WorkerReady{wrk(3)});
    CHECK(the<WorkerChanged>(life.actions()) == WorkerChanged{wrk(3), gen(1), 2, WorkerState::ready, 1, 4});
}

TEST_CASE("a reply says what it was waited for, and how many of what failed serve on") {
    Life life;
    life.serve({.count = 2, .max_surge = 1});
    life.reload(req(2), WaitFor::drained);
    life.prepared(gen(2), {.count = 2, .later_soak = 1ms, .max_surge = 1});
    life.spawned(gen(2));
    life.ready(gen(2));
    life.pass(1'000ms);
    life.exit(wrk(1));
    life.feed(SpawnFailed{wrk(4), "no"});
    CHECK(std::get<Reply::Failed>(the<Reply>(life.actions()).outcome).still_serving == 1);
}
