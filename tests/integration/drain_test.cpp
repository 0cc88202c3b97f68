// Promises 5 and 8: every drain ends, and nothing is left of a worker.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

// The member of a process group that is not its leader.
pid_t other_member(pid_t leader) {
    for (const pid_t pid : proc::all()) {
        const auto now = proc::stat(pid);
        if (pid != leader && now && now->group == leader) return pid;
    }
    return 0;
}

}  // namespace

TEST_CASE(
    "a worker that ignores the drain signal is killed at drain.timeout with its group, and the log says so") {
    // The shell ignores SIGTERM, too, and so does what it started.
    Instance instance{{.command = {"./stubborn"}, .count = 1, .ready = "100ms", .drain_timeout = "1s"}};
    install_script("trap '' TERM\nsleep 1000 &\nwhile :; do sleep 1; done", instance.path("stubborn"));
    instance.start();
    const pid_t old = instance.worker_pids().at(0);
    pid_t child = 0;
    REQUIRE(eventually([&] { return (child = other_member(old)) != 0; }));
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(eventually([&] { return !proc::alive(old) && other_member(old) == 0; }));
    CHECK(!proc::alive(child));
    CHECK(contains(instance.log(), "drain.timeout"));
    CHECK(contains(instance.log(), "SIGKILL"));
    CHECK(instance.wait_until_settled().generations[0].number == 2);
    CHECK(instance.stop({"--now"}).exit_code == 0);
}

TEST_CASE("hello-worker --ignore-drain keeps serving its connections until drain.timeout and no longer") {
    Instance instance{{.command = {"./worker", "--ignore-drain"}, .drain_timeout = "1s"}};
    instance.start();
    const auto old_pids = instance.worker_pids();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    for (const pid_t pid : old_pids) CHECK(!proc::alive(pid));
    CHECK(instance.wait_until_settled().generations[0].number == 2);
    CHECK(contains(instance.log(), "drain.timeout"));
    CHECK(instance.stop({"--now"}).exit_code == 0);
}

TEST_CASE("what a shell that is the main process leaves behind ends with it") {
    // The drain signal ends the shell alone; the server is its child.
    Instance instance{{.command = {"sh", "-c", "./worker; :"}, .drain_to = "main"}};
    instance.start();
    const auto old_pids = instance.worker_pids();
    REQUIRE(old_pids.size() == 2);
    std::vector<pid_t> servers;
    for (const pid_t pid : old_pids) servers.push_back(other_member(pid));
    CHECK(hello(instance.port()).generation == 1);
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    for (const pid_t pid : servers) {
        CHECK(pid != 0);
        CHECK(eventually([&] { return !proc::alive(pid); }));
    }
    for (const pid_t pid : old_pids) CHECK(eventually([&] { return other_member(pid) == 0; }));
    CHECK(hello(instance.port()).generation == 2);
    CHECK(contains(instance.log(), "processes of its group"));
    instance.wait_until_settled();
    CHECK(instance.sandbox()->processes().size() == 5);  // master, two shells, two servers
}

TEST_CASE("what is still open shortly before drain.timeout is closed in order, counted and logged") {
    Instance instance{{.count = 1, .drain_timeout = "2s"}};
    instance.start();
    HttpConnection endless(instance.port());
    endless.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nab");
    CHECK(hello(instance.port()).generation == 1);
    const pid_t old = instance.worker_pids().at(0);
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(!proc::alive(old));
    // By itself, before the deadline: nobody had to kill it.
    CHECK(!contains(instance.log(), "SIGKILL"));
    const std::string log = instance.log();
    INFO(log);
    CHECK(contains(log, "1 closed at the deadline"));
}

TEST_CASE("the drain signal is the configured one") {
    Instance instance{{.command = {"./recorder"}, .count = 1, .ready = "100ms", .drain_signal = "SIGUSR1"}};
    install_script(
        "trap 'echo got USR1; exit 0' USR1\ntrap 'echo got TERM; exit 0' TERM\nwhile :; do sleep 0.02; done",
        instance.path("recorder"));
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(eventually([&] { return contains(instance.log(), "got USR1"); }));
    CHECK(!contains(instance.log(), "got TERM"));
}

}  // namespace sup::test
