// Crashes of an active generation.
#include <signal.h>

#include <filesystem>
#include <sstream>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

// The starts that a worker has written down, in milliseconds.
std::vector<long> starts(const Instance& instance) {
    std::vector<long> times;
    std::istringstream lines(read_file(instance.path("starts")));
    for (long nanoseconds = 0; lines >> nanoseconds;) times.push_back(nanoseconds / 1'000'000);
    return times;
}

}  // namespace

TEST_CASE(
    "a crash loop restarts no more often than the backoff allows, is degraded, and a good reload heals it") {
    Instance instance{{.command = {"./crasher"},
                       .count = 1,
                       .ready = "1ms",
                       .min_uptime = "1h",
                       .backoff_min = "100ms",
                       .backoff_max = "800ms"}};
    install_script("date +%s%N >> starts\nsleep 0.1\nexit 1", instance.path("crasher"));
    instance.start();
    REQUIRE(eventually([&] { return starts(instance).size() >= 7; }));
    // A delay doubles from 100 ms to 800 ms; jitter only lengthens. The process itself lived 100 ms more.
    const auto times = starts(instance);
    const std::vector<long> shortest{100, 200, 400, 800, 800, 800};
    for (std::size_t i = 0; i < shortest.size(); ++i) {
        INFO("restart " << i);
        CHECK(times[i + 1] - times[i] >= shortest[i]);
    }
    const auto degraded =
        instance.wait_for("degraded", [](const InstanceStatus& now) { return now.degraded; });
    CHECK(degraded.state == "down");  // its only worker waits
    REQUIRE(degraded.active() != nullptr);
    CHECK(degraded.active()->number == 1);

    instance.config.command = {"./worker"};
    instance.config.ready = "notify";
    instance.write_config();
    const Outcome healed = instance.reload();
    INFO(healed.text());
    REQUIRE(healed.exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(!now.degraded);
    CHECK(hello(port_of(now.addresses[0])).generation == 2);
    const std::size_t count = starts(instance).size();
    CHECK(hello(port_of(now.addresses[0])).generation == 2);
    CHECK(starts(instance).size() == count);
}

TEST_CASE("a worker that lived long enough is restarted at once, and counted") {
    Instance instance{{.count = 2, .min_uptime = "0s", .backoff_min = "1h", .backoff_max = "1h"}};
    instance.start();
    const auto before = instance.worker_pids();
    REQUIRE(::kill(before.at(1), SIGKILL) == 0);
    const auto now = instance.wait_for("a replacement", [&](const InstanceStatus& s) {
        return s.settled() && s.generations[0].pids() != before;
    });
    const auto& workers = now.generations[0].workers;
    REQUIRE(workers.size() == 2);
    CHECK(workers[0].pid == before[0]);
    CHECK(workers[0].restarts == 0);
    CHECK(workers[1].restarts == 1);
    CHECK(!now.degraded);
    CHECK(instance.log().find("SIGKILL") != std::string::npos);  // how it ended is in the log
}

TEST_CASE("a worker that dies while it drains is in the log, and in the reload's answer") {
    // Ends at the drain signal as it was told to, or by another one.
    const bool dies = GENERATE(false, true);
    Instance instance{{.command = {"./mortal"}, .count = 1, .ready = "1ms"}};
    install_script(dies ? "trap 'kill -SEGV $$' TERM\nwhile :; do sleep 0.1; done" : "exec sleep 1000",
                   instance.path("mortal"));
    instance.start();
    const Outcome reloaded = instance.reload({"--drained"});
    CAPTURE(reloaded.text(), instance.log());
    REQUIRE(reloaded.exit_code == 0);
    CHECK((reloaded.text().find("1 worker died while it drained: see the log") != std::string::npos) == dies);
    CHECK((instance.log().find("(SIGSEGV) while it drained") != std::string::npos) == dies);
    CHECK((instance.log().find("was killed by") != std::string::npos) == dies);
}

TEST_CASE("an instance whose folder somebody removed restarts, reloads and is in reach again") {
    Instance instance{{.min_uptime = "0s", .log_file = ""}};
    instance.start();
    const auto before = instance.worker_pids();
    const auto in_reach = [&] { return std::filesystem::exists(instance.folder() / "control.sock"); };

    std::filesystem::remove_all(instance.sandbox()->runtime_dir());
    REQUIRE(::kill(before.at(1), SIGKILL) == 0);
    REQUIRE(eventually(in_reach));
    instance.wait_for("a replacement", [&](const InstanceStatus& s) {
        return s.settled() && s.generations[0].pids() != before;
    });
    CHECK(instance.try_start().exit_code == 1);  // the name is still taken

    std::filesystem::remove_all(instance.folder());
    REQUIRE(::kill(instance.master(), SIGUSR2) == 0);
    REQUIRE(eventually(in_reach));
    instance.wait_for("generation 2",
                      [](const InstanceStatus& s) { return s.settled() && s.generations[0].number == 2; });

    std::filesystem::remove_all(instance.folder());
    REQUIRE(::kill(instance.master(), SIGUSR1) == 0);
    REQUIRE(eventually(in_reach));
    CHECK(eventually([&] {
        return read_file(instance.folder() / "sup.log").find("files were removed") != std::string::npos;
    }));
    // The record of live workers, too.
    const auto pids = instance.worker_pids();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(instance.master()); }));
    CHECK(instance.stop().exit_code == 0);
    for (const pid_t pid : pids) CHECK(!proc::alive(pid));
}

TEST_CASE("hello-worker --crash-after crashes, and its replacement serves") {
    Instance instance{{.command = {"./worker", "--crash-after", "300ms"}, .count = 1, .min_uptime = "0s"}};
    instance.start();
    const pid_t first = instance.worker_pids().at(0);
    // The first that was seen may itself be a replacement already.
    instance.wait_for("another worker", [&](const InstanceStatus& s) {
        if (!s.active()) return false;
        const auto& worker = s.active()->workers[0];
        return worker.restarts > 0 && worker.pid != 0 && worker.pid != first;
    });
    CHECK(!proc::alive(first));
    CHECK(eventually([&] { return hello(instance.port()).pid != 0; }));
}

}  // namespace sup::test
