#include <nlohmann/json.hpp>

#include "tests/catch.h"
#include "tests/unit/core/life.h"

using namespace sup::core;
using namespace sup::core::testing;
using namespace std::chrono_literals;

namespace {

void check_ignored(Life& life, const Event& event) {
    INFO(to_string(event));
    const nlohmann::json before = life.supervisor().save();
    life.feed(event);
    CHECK(life.actions().empty());
    CHECK(life.supervisor().save() == before);
}

}  // namespace

TEST_CASE("an event about something that never existed is ignored") {
    Life life;
    life.serve(policy_of(1));
    for (const Event& event :
         std::vector<Event>{WorkerSpawned{wrk(77)}, SpawnFailed{wrk(77), "no"}, WorkerReady{wrk(77)},
                            WorkerExtendedTimeout{wrk(77), 5s}, WorkerExited{wrk(77), {}}, DeadlineReached{},
                            Prepared{gen(7), policy_of(1)}, PrepareFailed{gen(7), false, ""}}) {
        check_ignored(life, event);
    }
}

TEST_CASE("an event about a worker that is gone is ignored") {
    Life life;
    life.serve(policy_of(1));
    life.replace(gen(2), policy_of(1));
    life.exit(wrk(1));
    for (const Event& event :
         std::vector<Event>{WorkerSpawned{wrk(1)}, SpawnFailed{wrk(1), "no"}, WorkerReady{wrk(1)},
                            WorkerExtendedTimeout{wrk(1), 5s}, WorkerExited{wrk(1), {}}}) {
        check_ignored(life, event);
    }
}

TEST_CASE("an event that comes twice has no second effect") {
    Life life;
    life.serve(policy_of(1));
    check_ignored(life, WorkerSpawned{wrk(1)});
    check_ignored(life, WorkerReady{wrk(1)});
    check_ignored(life, Prepared{gen(1), policy_of(5)});
    check_ignored(life, PrepareFailed{gen(1), false, "no"});
}

TEST_CASE("a process that exists cannot fail to spawn any more") {
    Life life;
    life.serve(policy_of(1));
    check_ignored(life, SpawnFailed{wrk(1), "no"});
}

TEST_CASE("a worker is not ready before it is spawned") {
    Life life;
    life.start(policy_of(1));
    check_ignored(life, WorkerReady{wrk(1)});
    check_ignored(life, WorkerExtendedTimeout{wrk(1), 500s});
}

TEST_CASE("a worker that was told to end cannot become ready any more") {
    Life life;
    life.serve(policy_of(1));
    life.feed(AddWorkerRequested{});
    life.spawned(gen(1));
    life.feed(RemoveWorkerRequested{});
    check_ignored(life, WorkerReady{wrk(2)});
    life.pass(30s);
    check_ignored(life, WorkerReady{wrk(2)});
}

TEST_CASE("a deadline that is told before it has come is ignored") {
    Life life;
    life.start(policy_of(1));
    life.spawned(gen(1));
    check_ignored(life, DeadlineReached{});
    life.ready(gen(1));
    check_ignored(life, DeadlineReached{});
}

TEST_CASE("a preparation of another number than the one asked for is ignored") {
    Life life;
    life.serve(policy_of(1));
    life.reload(req(2));
    check_ignored(life, Prepared{gen(3), policy_of(1)});
    check_ignored(life, PrepareFailed{gen(1), false, "no"});
}
