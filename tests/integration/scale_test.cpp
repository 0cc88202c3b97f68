// Many workers, and changing how many.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

// Light: what is counted here is what the master does.
Config sleepers(int count) {
    return {.command = {"sleep", "1000"}, .count = count, .ready = "10ms"};
}

}  // namespace

TEST_CASE("sup status works with 100 workers") {
    Instance instance{sleepers(100)};
    instance.start();
    const InstanceStatus now = instance.wait_until_settled();
    REQUIRE(now.generations[0].workers.size() == 100);
    CHECK(now.generations[0].pids().size() == 100);
    for (int slot = 0; slot < 100; ++slot)
        CHECK(now.generations[0].workers[static_cast<std::size_t>(slot)].slot == slot);
    const Outcome table = instance.sandbox()->sup({"status"});
    CHECK(table.exit_code == 0);
    for (const pid_t pid : now.generations[0].pids())
        CHECK(table.out.find(std::to_string(pid)) != std::string::npos);
}

TEST_CASE("an instance of 200 workers starts, reloads and stops") {
    Instance instance{sleepers(200)};
    instance.start();
    const auto pids = instance.worker_pids();
    CHECK(pids.size() == 200);
    const Outcome reloaded = instance.reload({"--drained"});
    INFO(reloaded.text());
    CHECK(reloaded.exit_code == 0);
    for (const pid_t pid : pids) CHECK(!proc::alive(pid));
    CHECK(instance.worker_pids().size() == 200);
    CHECK(instance.stop().exit_code == 0);
    CHECK(!proc::alive(instance.master()));
}

TEST_CASE("SIGTTIN adds a worker, SIGTTOU drains one, and the last one stays") {
    Instance instance;
    instance.start();
    const auto before = instance.worker_pids();
    const auto wait_for_count = [&](std::size_t count) {
        return instance.wait_for("workers: " + std::to_string(count), [count](const InstanceStatus& now) {
            return now.settled() && now.generations[0].workers.size() == count;
        });
    };
    REQUIRE(::kill(instance.master(), SIGTTIN) == 0);
    const auto grown = wait_for_count(3).generations[0].pids();
    CHECK(grown[0] == before[0]);
    CHECK(grown[1] == before[1]);
    for (const std::size_t left : {2u, 1u}) {
        REQUIRE(::kill(instance.master(), SIGTTOU) == 0);
        wait_for_count(left);
    }
    REQUIRE(::kill(instance.master(), SIGTTOU) == 0);
    CHECK(wait_for_count(1).generations[0].pids().at(0) == before[0]);
    CHECK(hello(instance.port()).pid == before[0]);

    // The configuration has the last word.
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(instance.worker_pids().size() == 2);
}

}  // namespace sup::test
