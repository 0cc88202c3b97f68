// Nothing leaks into workers, whatever the master itself inherited.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

const char* const no_signals = "0000000000000000";

// What a careless parent hands down. Runs in the child, before it becomes sup.
void burden() {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::sigaddset(&blocked, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    const int extra = ::open("/dev/zero", O_RDONLY);
    for (const int fd : {3, 4, 5, 57}) ::dup2(extra, fd);
    const rlimit limit{777, 20000};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::umask(027);
}

const std::map<std::string, std::string> misleading{{"LISTEN_FDS", "7"},       {"LISTEN_PID", "1"},
                                                    {"LISTEN_FDNAMES", "a:b"}, {"LISTEN_PIDFDID", "5"},
                                                    {"NOTIFY_SOCKET", "/no"},  {"WATCHDOG_USEC", "1000000"},
                                                    {"WATCHDOG_PID", "1"},     {"KEPT", "as it is"}};

}  // namespace

TEST_CASE("a worker gets its listeners, a clean signal state and environment, and nothing else") {
    // sleep: a process that adds nothing of its own to what it was given.
    Instance instance{{.listen = {"127.0.0.1:0", "[::1]:0"},
                       .command = {"sleep", "1000"},
                       .count = 1,
                       .env = {{"ADDED", "by the configuration"}},
                       .ready = "50ms"}};
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.in_child = burden;
    launch.env.insert(misleading.begin(), misleading.end());
    const Outcome started = run(launch);
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.set_master(instance.status().pid);
    const pid_t worker = instance.worker_pids().at(0);

    CHECK(proc::descriptors(worker) == std::set<int>{0, 1, 2, 3, 4});
    CHECK(proc::link(worker, "fd/0") == "/dev/null");
    CHECK(proc::link(worker, "fd/1").starts_with("pipe:"));
    CHECK(proc::link(worker, "fd/2").starts_with("pipe:"));
    CHECK(proc::link(worker, "fd/3").starts_with("socket:"));
    CHECK(proc::link(worker, "fd/4").starts_with("socket:"));

    CHECK(proc::status_field(worker, "SigBlk") == no_signals);
    CHECK(proc::status_field(worker, "SigIgn") == no_signals);
    CHECK(proc::status_field(worker, "SigCgt") == no_signals);
    CHECK(proc::limit(worker, "Max open files") == "777");
    CHECK(proc::stat(worker)->group == worker);
    CHECK(proc::stat(worker)->parent == instance.master());

    CHECK(proc::variable(worker, "LISTEN_FDS") == "2");
    CHECK(proc::variable(worker, "LISTEN_PID") == std::to_string(worker));
    CHECK(proc::variable(worker, "LISTEN_FDNAMES") == "http:http1");
    CHECK(!proc::variable(worker, "LISTEN_PIDFDID"));
    CHECK(!proc::variable(worker, "WATCHDOG_USEC"));
    CHECK(!proc::variable(worker, "WATCHDOG_PID"));
    CHECK(proc::variable(worker, "NOTIFY_SOCKET").value_or("").starts_with(instance.folder().string()));
    CHECK(proc::variable(worker, "SUP_INSTANCE") == "test");
    CHECK(proc::variable(worker, "SUP_GENERATION") == "1");
    CHECK(proc::variable(worker, "SUP_SLOT") == "0");
    CHECK(proc::variable(worker, "SUP_DRAIN_TIMEOUT_MS") == "60000");
    CHECK(proc::variable(worker, "KEPT") == "as it is");
    CHECK(proc::variable(worker, "ADDED") == "by the configuration");
    auto names = proc::environment(worker);
    for (auto& entry : names) entry.erase(entry.find('='));
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());  // none twice
}

TEST_CASE("a restarted worker and one of a later generation are as clean as the first") {
    Instance instance{{.command = {"sleep", "1000"}, .count = 1, .ready = "50ms"}};
    instance.start();
    const pid_t first = instance.worker_pids().at(0);
    ::kill(first, SIGKILL);
    instance.wait_for("a replacement",
                      [&](const auto& s) { return s.settled() && s.active()->pids().at(0) != first; });
    CHECK(proc::descriptors(instance.worker_pids().at(0)) == std::set<int>{0, 1, 2, 3});
    REQUIRE(instance.reload().exit_code == 0);
    const pid_t later = instance.worker_pids().at(0);
    CHECK(proc::descriptors(later) == std::set<int>{0, 1, 2, 3});
    CHECK(proc::status_field(later, "SigBlk") == no_signals);
    CHECK(proc::status_field(later, "SigIgn") == no_signals);
    CHECK(proc::variable(later, "LISTEN_PID") == std::to_string(later));
    CHECK(proc::variable(later, "SUP_GENERATION") == "2");
}

TEST_CASE("signals that the master was started with blocked or ignored still work on it") {
    Instance instance;
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.in_child = burden;
    const Outcome started = run(launch);
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.set_master(instance.status().pid);
    const auto pids = instance.worker_pids();
    ::kill(pids.at(0), SIGKILL);
    instance.wait_for("a replacement",
                      [&](const auto& s) { return s.settled() && s.active()->pids() != pids; });
    REQUIRE(::kill(instance.master(), SIGTERM) == 0);
    CHECK(eventually([&] { return !proc::alive(instance.master()); }));
}

}  // namespace sup::test
