// Promises 3 and 8: nothing is left of a worker, also of what has left its session.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

// Serves, beside a helper in a session of its own that has everything the worker has.
const char* const with_helper = "setsid sleep 1000 &\nexec ./worker";
// The same; of the helper nothing tells whose it is.
const char* const with_stranger =
    "(setsid env -i sh -c 'echo $$ >helper.pid; exec sleep 1000' </dev/null >/dev/null 2>&1 3<&- &)\n"
    "exec ./worker";
// Serves, beside a helper in a session of its own that does not end at SIGTERM. The next such worker writes
// down which helper of its predecessor it met.
const char* const with_stubborn =
    "[ -e helper.pid ] && kill -0 $(cat helper.pid) && cat helper.pid >met\n"
    "setsid sh -c 'trap \"\" TERM; echo $$ >helper.new; mv helper.new helper.pid; sleep 1000; :' &\n"
    "exec ./worker";
// The second of two opens the first one's output.
const char* const beside =
    "case $SUP_SLOT in\n"
    "0) echo $$ >first.new; mv first.new first.pid;;\n"
    "*) while [ ! -e first.pid ]; do sleep 0.01; done; exec 7>/proc/$(cat first.pid)/fd/1;;\n"
    "esac\n"
    "exec ./worker";
// Serves, beside a helper in a session of its own that needs a moment to end.
const char* const with_slow =
    "setsid sh -c 'trap \"sleep 0.5; echo >farewell; exit\" TERM; echo $$ >helper.new; "
    "mv helper.new helper.pid; while :; do sleep 0.1; done' &\n"
    "while [ ! -e helper.pid ]; do sleep 0.01; done\n"
    "exec ./worker";
// Goes into the background, as daemon(3) does.
const char* const daemon = "(setsid sleep 1000 &)\nsleep 0.1\nexit 0";

// The same, with nothing that tells whose it is but the listener.
const char* const clean_daemon =
    "(setsid env -i sh -c 'echo $$ >helper.new; mv helper.new helper.pid; exec sleep 1000' "
    "</dev/null >/dev/null 2>&1 &)\n"
    "while [ ! -e helper.pid ]; do sleep 0.01; done\n"
    "sleep 0.2\n"
    "exit 0";
// Serves. The first of two has such a helper once it is told, by the file "go".
const char* const with_serving_stranger =
    "[ $SUP_SLOT = 0 ] && (\n"
    "while [ ! -e go ]; do sleep 0.02; done; [ -e helper.pid ] && exit\n"
    "setsid env -i sh -c 'echo $$ >helper.new; mv helper.new helper.pid; exec sleep 1000' "
    "</dev/null >/dev/null 2>&1 &) &\n"
    "exec ./worker";

pid_t written_pid(const Instance& instance) {
    std::string text;
    CHECK(eventually([&] { return !(text = read_file(instance.path("helper.pid"))).empty(); }));
    return text.empty() ? 0 : std::stoi(text);
}

}  // namespace

TEST_CASE("a release that goes into the background is refused, and nothing of it is left") {
    const std::string ready = GENERATE("notify", "10s");
    Instance instance;
    instance.start();
    install_script(daemon, instance.path("daemon"));
    instance.config.command = {"./daemon"};
    instance.config.ready = ready;
    instance.write_config();
    const Outcome refused = instance.reload();
    INFO(refused.text());
    CHECK(refused.exit_code == 1);
    CHECK(contains(refused.text(), "is it a daemon?"));
    CHECK(eventually([&] { return instance.sandbox()->processes().size() == 3; }));  // master, two workers
    CHECK(hello(instance.port()).generation == 1);
}

TEST_CASE("a release that goes into the background with nothing but its listener does not serve on") {
    const auto [ready, soak] =
        GENERATE(table<std::string, std::string>({{"notify", "0s"}, {"30s", "0s"}, {"10ms", "60s"}}));
    Instance instance;
    instance.start();
    install_script(clean_daemon, instance.path("daemon"));
    instance.config.command = {"./daemon"};
    instance.config.ready = ready;
    instance.config.soak = soak;
    instance.write_config();
    const Outcome refused = instance.reload();
    INFO(refused.text());
    CHECK(refused.exit_code == 1);
    const pid_t helper = written_pid(instance);
    INFO(instance.log());
    CHECK(eventually([&] { return !proc::alive(helper); }));
    CHECK(instance.worker_pids().size() == 2);
    CHECK(hello(instance.port()).generation == 1);
}

TEST_CASE("an orphan that may be a healthy worker's is named, with what it holds, and ends with the last") {
    Instance instance{{.command = {"./with-serving-stranger"}}};
    install_script(with_serving_stranger, instance.path("with-serving-stranger"));
    instance.start();
    write_file(instance.path("go"), "");
    const pid_t helper = written_pid(instance);
    REQUIRE(eventually([&] {
        const auto stat = proc::stat(helper);
        return stat && stat->command == "sleep" && stat->parent == instance.master();
    }));
    ::kill(instance.worker_pids().at(0), SIGKILL);
    instance.wait_for("a replacement", [](const InstanceStatus& now) {
        return now.settled() && now.generations[0].workers[0].restarts == 1;
    });
    CHECK(proc::alive(helper));
    const std::string name = "process " + std::to_string(helper) + " (sleep), whose worker is not known";
    const std::string holds = "http 127.0.0.1:" + std::to_string(instance.port());
    INFO(instance.log());
    CHECK(contains(instance.log(), name));
    CHECK(contains(instance.log(), "it holds " + holds));
    const Outcome status = instance.sandbox()->sup({"status"});
    INFO(status.text());
    CHECK(contains(status.text(), name + ", and which may hold " + holds));
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(proc::alive(helper));
}

TEST_CASE("nothing is left of a start that failed because its worker went into the background") {
    Instance instance{{.command = {"./daemon"}}};
    install_script(daemon, instance.path("daemon"));
    const Outcome refused = instance.try_start();
    INFO(refused.text());
    CHECK(refused.exit_code == 1);
    CHECK(contains(refused.text(), "is it a daemon?"));
    CHECK(eventually([&] { return instance.sandbox()->processes().empty(); }));
}

TEST_CASE("a helper in a session of its own ends with its worker, and no descriptor of the master is lost") {
    Instance instance{{.command = {"./with-helper"}, .count = 1}};
    install_script(with_helper, instance.path("with-helper"));
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    const auto open = [&] { return proc::descriptors(instance.master()).size(); };
    const std::size_t before = open();
    for (int i = 0; i < 20; ++i) REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(eventually([&] { return open() <= before; }));
    CHECK(eventually([&] { return instance.sandbox()->processes().size() == 3; }));
    CHECK(contains(instance.log(), "in a session of its own"));
    ::kill(instance.worker_pids().at(0), SIGKILL);
    instance.wait_for("a replacement", [](const InstanceStatus& now) {
        return now.settled() && now.generations[0].workers[0].restarts == 1;
    });
    CHECK(eventually([&] { return instance.sandbox()->processes().size() == 3; }));
    REQUIRE(instance.stop().exit_code == 0);
    CHECK(instance.sandbox()->processes().empty());
}

TEST_CASE("the slot of a worker that died is filled at once, and what it left is gone a moment later") {
    Instance instance{{.command = {"./with-stubborn"}, .count = 1}};
    install_script(with_stubborn, instance.path("with-stubborn"));
    instance.start();
    const pid_t helper = written_pid(instance);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    instance.wait_for("a replacement", [](const InstanceStatus& now) {
        return now.settled() && now.generations[0].workers[0].restarts == 1;
    });
    CHECK(read_file(instance.path("met")) == std::to_string(helper) + "\n");
    CHECK(eventually([&] { return !proc::alive(helper); }));
    CHECK(eventually([&] { return instance.sandbox()->processes().size() == 4; }));
}

TEST_CASE("a stop waits for what a worker that died has left") {
    Instance instance{{.command = {"./with-stubborn"}, .count = 1}};
    install_script(with_stubborn, instance.path("with-stubborn"));
    instance.start();
    ::kill(instance.worker_pids().at(0), SIGKILL);
    instance.wait_for("its end", [](const InstanceStatus& now) {
        return now.generations[0].workers.empty() || now.generations[0].workers[0].restarts == 1;
    });
    REQUIRE(instance.stop({"--now"}).exit_code == 0);
    CHECK(instance.sandbox()->processes().empty());
}

TEST_CASE("a worker that ends in time is not said to be late because of what it left, which has its second") {
    Instance instance{{.command = {"./with-stubborn"}, .count = 1, .drain_timeout = "900ms"}};
    install_script(with_stubborn, instance.path("with-stubborn"));
    instance.start();
    const pid_t helper = written_pid(instance);
    const Outcome reload = instance.reload({"--drained"});
    INFO(reload.text());
    REQUIRE(reload.exit_code == 0);
    CHECK_FALSE(proc::alive(helper));  // --drained has waited for it
    CHECK(eventually([&] { return written_pid(instance) != helper; }));
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(proc::alive(written_pid(instance)));
    INFO(instance.log());
    CHECK_FALSE(contains(instance.log(), "did not finish within drain.timeout"));
    CHECK(instance.sandbox()->processes().empty());
}

TEST_CASE("a stop leaves what a worker that died has left the time to end") {
    Instance instance{{.command = {"./with-slow"}, .count = 1}};
    install_script(with_slow, instance.path("with-slow"));
    instance.start();
    written_pid(instance);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    REQUIRE(eventually([&] { return contains(instance.log(), "behind, in a session of its own"); }));
    REQUIRE(instance.stop().exit_code == 0);
    CHECK(read_file(instance.path("farewell")) == "\n");
    CHECK(instance.sandbox()->processes().empty());
}

TEST_CASE("a helper that bears no mark of its worker is gone after the stop") {
    Instance instance{{.command = {"./with-stranger"}, .count = 1}};
    install_script(with_stranger, instance.path("with-stranger"));
    instance.start();
    const pid_t helper = written_pid(instance);
    CHECK(proc::alive(helper));
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(proc::alive(helper));
}

TEST_CASE("a healthy worker that holds the output of one that died serves on") {
    Instance instance{{.command = {"./beside"}}};
    install_script(beside, instance.path("beside"));
    instance.start();
    const std::vector<pid_t> workers = instance.worker_pids();
    const std::string pipe = proc::link(workers.at(0), "fd/1");
    REQUIRE(eventually([&] { return proc::link(workers.at(1), "fd/7") == pipe; }));
    ::kill(workers.at(0), SIGKILL);
    instance.wait_for("a replacement", [](const InstanceStatus& now) {
        return now.settled() && now.generations[0].workers[0].restarts == 1;
    });
    CHECK(instance.worker_pids().at(1) == workers.at(1));
    CHECK(instance.status().generations[0].workers[1].restarts == 0);
    CHECK_FALSE(contains(instance.log(), "behind, in a session of its own"));
}

TEST_CASE("with worker.leftovers \"leave\" what a worker has started outlives it") {
    Instance instance{{.command = {"./with-stranger"}, .count = 1, .leftovers = "leave"}};
    install_script(with_stranger, instance.path("with-stranger"));
    instance.start();
    const pid_t helper = written_pid(instance);
    REQUIRE(instance.stop().exit_code == 0);
    CHECK(proc::alive(helper));
    ::kill(helper, SIGKILL);
}

TEST_CASE("a child from before the process became sup is reaped") {
    Instance instance;
    Launch launch = instance.sandbox()->command({"run", instance.config_path().string()});
    launch.argv.insert(launch.argv.begin(), {"sh", "-c", "sleep 0.3 & exec \"$@\"", "sh"});
    Child foreground(launch);
    REQUIRE(eventually(
        [&] { return foreground.running() && instance.sandbox()->sup({"status"}).exit_code == 0; }));
    instance.wait_until_settled();
    CHECK(eventually([&] {
        const auto children = proc::children(foreground.pid());
        return children.size() == 2 && std::all_of(children.begin(), children.end(), proc::alive);
    }));
    foreground.signal(SIGTERM);
    CHECK(foreground.wait().exit_code == 0);
}

}  // namespace sup::test
