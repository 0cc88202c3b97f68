// Starting, and what may be in the way.
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace fs = std::filesystem;

namespace {

unsigned mode(const fs::path& path) {
    return static_cast<unsigned>(fs::status(path).permissions());
}

}  // namespace

TEST_CASE("a started instance keeps its files to itself") {
    Instance instance{{.log_file = ""}};
    instance.start();
    // Root's is traversed by workers of other users, on the way to their notify sockets.
    CHECK(mode(instance.sandbox()->runtime_dir()) == (::getuid() == 0 ? 0755 : 0700));
    CHECK(mode(instance.folder()) == 0711);
    for (const char* name : {"pid", "control.sock", "lock", "sup.log"}) {
        INFO(name);
        REQUIRE(fs::exists(instance.folder() / name));
        CHECK(mode(instance.folder() / name) == 0600);
    }
}

TEST_CASE("the listener's address in use: a clear error that names it, and nothing is left running") {
    const Squatter squatter;
    Instance instance{{.listen = {squatter.address()}}};
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, squatter.address()));
    CHECK(contains(outcome.err, "in use"));
    CHECK(contains(outcome.err, std::to_string(::getpid())));  // who holds it: this test
}

TEST_CASE("a second start of the same name is refused and leaves the first alone") {
    Instance instance;
    instance.start();
    const auto pids = instance.worker_pids();
    const Outcome second = instance.try_start();
    INFO(second.text());
    CHECK(second.exit_code == 1);
    CHECK(contains(second.err, "test"));
    CHECK(contains(second.err, std::to_string(instance.master())));
    CHECK(instance.wait_until_settled().generations[0].pids() == pids);
    CHECK(hello(instance.port()).generation == 1);
}

TEST_CASE("of many starts of one name at once exactly one wins") {
    Instance instance;
    std::vector<Child> starters;
    for (int i = 0; i < 8; ++i) {
        starters.emplace_back(instance.sandbox()->command({"start", instance.config_path().string()}));
    }
    int won = 0;
    for (auto& starter : starters) won += starter.wait(2 * patience).exit_code == 0 ? 1 : 0;
    CHECK(won == 1);
    CHECK(instance.sandbox()->processes().size() == 3);
    instance.set_master(instance.wait_until_settled().pid);
}

TEST_CASE("a first generation that fails: exit code 1, its last words, and nothing left running") {
    Instance instance{{.log_file = ""}};
    install_script("echo no such database >&2\nexit 9", instance.worker_path());
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, "no such database"));
    CHECK(contains(outcome.err, "9"));
}

TEST_CASE("a start that failed says where its log is: it is there, until the next start takes the name") {
    Instance instance{{.log_file = ""}};
    const fs::path log = instance.sandbox()->runtime_dir() / "test~failed-start.log";
    const auto release = fs::path(instance.path("release"));
    fs::rename(instance.worker_path(), release);
    install_script("echo no such database >&2\nexit 9", instance.worker_path());
    for (int attempt = 0; attempt < 2; ++attempt) {
        const Outcome outcome = instance.try_start();
        INFO(outcome.text());
        CHECK(outcome.exit_code == 1);
        CHECK(contains(outcome.err, "the log is " + log.string()));
        CHECK(contains(read_file(log), "no such database"));
        CHECK(contains(read_file(log), "the start failed"));
        CHECK(mode(log) == 0600);
        CHECK_FALSE(fs::exists(instance.folder()));
    }
    const Outcome list = instance.sandbox()->sup({"list"});
    CHECK_FALSE(contains(list.text(), "failed-start"));
    fs::rename(release, instance.worker_path());
    instance.start();
    CHECK_FALSE(fs::exists(log));
}

TEST_CASE("a start that failed names its log.file, and nothing is kept beside") {
    Instance instance;
    install_script("exit 9", instance.worker_path());
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(contains(outcome.err, "the log is " + instance.path("sup.log").string()));
    CHECK_FALSE(fs::exists(instance.sandbox()->runtime_dir() / "test~failed-start.log"));
}

TEST_CASE("a worker's command that is a FIFO, a folder or a device is an error at once, and no wait") {
    Instance instance{{.command = {"./odd"}}};
    SECTION("FIFO") {
        REQUIRE(::mkfifo(instance.path("odd").c_str(), 0755) == 0);
    }
    SECTION("link to a FIFO") {
        REQUIRE(::mkfifo(instance.path("fifo").c_str(), 0755) == 0);
        fs::create_symlink("fifo", instance.path("odd"));
    }
    SECTION("folder") {
        fs::create_directory(instance.path("odd"));
    }
    SECTION("device") {
        fs::create_symlink("/dev/tty", instance.path("odd"));
    }
    instance.write_config();
    const Outcome check = instance.sandbox()->sup({"check", instance.config_path().string()});
    INFO(check.text());
    CHECK(check.exit_code == 2);
    CHECK(contains(check.text(), "/worker/command/0"));
    const Outcome start = instance.try_start();
    INFO(start.text());
    CHECK(start.exit_code != 0);
    CHECK(contains(start.text(), "odd"));
}

TEST_CASE("a first generation that never becomes ready ends at ready_timeout") {
    Instance instance{{.ready_timeout = "1s"}};
    install_script("exec sleep 1000", instance.worker_path());
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, "ready"));
}

TEST_CASE("sup start --timeout gives exit code 4, and the start goes on") {
    Instance instance{{.command = {"./gated"}}};
    install_script("until [ -e open ]; do sleep 0.02; done\nexec ./worker", instance.path("gated"));
    const Outcome early =
        instance.sandbox()->sup({"start", instance.config_path().string(), "--timeout", "300ms"});
    INFO(early.text());
    CHECK(early.exit_code == 4);
    CHECK(instance.status().state == "starting");
    write_file(instance.path("open"), "");
    instance.set_master(instance.wait_until_settled().pid);
}

TEST_CASE("a caller without standard descriptors gets a master that holds its name, and true answers") {
    const std::vector<int> closed = GENERATE(std::vector<int>{0}, std::vector<int>{1}, std::vector<int>{2},
                                             std::vector<int>{0, 1}, std::vector<int>{0, 1, 2});
    Instance instance;
    const auto run = [&](const std::vector<std::string>& arguments) {
        Launch launch = instance.sandbox()->command(arguments);
        launch.in_child = [&closed] {
            for (const int fd : closed) ::close(fd);
        };
        return Child(launch).wait();
    };
    const Outcome started = run({"start", instance.config_path().string()});
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    instance.set_master(now.pid);
    CHECK(now.state == "running");
    CHECK(contains(instance.try_start().err, "already running"));
    const Outcome reloaded = run({"reload"});
    INFO(reloaded.text());
    CHECK(reloaded.exit_code == 0);
    CHECK(instance.wait_until_settled().active()->number == 2);
    CHECK(run({"stop"}).exit_code == 0);
}

TEST_CASE("after SIGKILL of the master its workers serve on, are named, and sup stop ends exactly those") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const auto pids = instance.worker_pids();
    instance.config.listen = {"127.0.0.1:" + std::to_string(port)};
    instance.write_config();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(instance.master()); }));
    for (int i = 0; i < 10; ++i) CHECK(get(port).ok());

    const Outcome status = instance.sandbox()->sup({"status", "test"});
    INFO("status: " << status.text());
    CHECK(status.exit_code == 3);
    CHECK(contains(status.text(), "gone"));
    const Outcome start = instance.try_start();
    INFO("start: " << start.text());
    CHECK(start.exit_code == 1);
    for (const pid_t pid : pids) {
        CHECK(contains(status.text(), std::to_string(pid)));
        CHECK(contains(start.err, std::to_string(pid)));
        CHECK(proc::alive(pid));
    }
    CHECK(get(port).ok());

    const Outcome stop = instance.stop();
    INFO("stop: " << stop.text());
    CHECK(stop.exit_code == 0);
    for (const pid_t pid : pids) CHECK(eventually([&] { return !proc::alive(pid); }));
    instance.start();
    CHECK(hello(port).generation == 1);
}

TEST_CASE("sup stop after SIGKILL of the master names only the workers that still live") {
    Instance instance;
    instance.start();
    const auto pids = instance.worker_pids();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(instance.master()); }));
    REQUIRE(::kill(pids.at(0), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(pids[0]); }));
    const Outcome stop = instance.stop();
    INFO(stop.text());
    CHECK(stop.exit_code == 0);
    CHECK(!contains(stop.text(), std::to_string(pids[0])));
    CHECK(eventually([&] { return !proc::alive(pids.at(1)); }));
}

TEST_CASE("a stale pid file and socket of a master that died with its workers do not hinder a start") {
    Instance instance;
    instance.start();
    const auto pids = instance.worker_pids();
    REQUIRE(::kill(instance.master(), SIGKILL) == 0);
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
    for (const pid_t pid : pids) REQUIRE(eventually([&] { return !proc::alive(pid); }));
    REQUIRE(fs::exists(instance.folder() / "control.sock"));
    CHECK(instance.sandbox()->sup({"status", "test"}).exit_code == 3);
    CHECK(instance.sandbox()->sup({"reload", "test"}).exit_code == 3);

    instance.start();
    CHECK(hello(instance.port()).generation == 1);
    CHECK(std::stoi(read_file(instance.folder() / "pid")) == instance.master());
}

TEST_CASE("a runtime directory whose parent is a regular file is a clear error") {
    Instance instance;
    write_file(instance.path("file"), "");
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.env["SUP_RUNTIME_DIR"] = instance.path("file") / "run";
    const Outcome outcome = run(launch);
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, (instance.path("file") / "run").string()));
    CHECK(contains(outcome.err, "directory"));
}

TEST_CASE("a runtime directory that somebody else owns is refused") {
    const passwd* nobody = ::getpwnam("nobody");
    if (::getuid() != 0 || nobody == nullptr) return skip("needs root and the user nobody");
    Instance instance;
    const auto foreign = instance.path("foreign");
    fs::create_directory(foreign);
    REQUIRE(::chown(foreign.c_str(), nobody->pw_uid, nobody->pw_gid) == 0);
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.env["SUP_RUNTIME_DIR"] = foreign;
    const Outcome outcome = run(launch);
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, foreign.string()));
    CHECK(fs::is_empty(foreign));
}

TEST_CASE("an invalid configuration is exit code 2, with every error at once, and nothing is started") {
    Instance instance;
    write_file(instance.config_path(), R"({
  "listen": [{ "address": "127.0.0.1:99999" }],
  "worker": { "command": [], "cuont": 2 }
})");
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 2);
    CHECK(contains(outcome.err, "test.json:2:"));
    CHECK(contains(outcome.err, "test.json:3:"));
    CHECK(contains(outcome.err, "cuont"));
    CHECK(contains(outcome.err, "count"));
    CHECK(!fs::exists(instance.folder()));
}

TEST_CASE("out=$(sup start c.json) returns: nothing in the background holds the caller's descriptors") {
    Instance instance;
    const std::string script = "out=$('" + sup_binary() + "' start '" + instance.config_path().string() +
                               "' 2>&1); echo \"code $?\"; echo \"$out\"";
    const Outcome outcome = run(instance.sandbox()->surround({.argv = {"sh", "-c", script}}), 2 * patience);
    INFO(outcome.text());
    CHECK(!outcome.timed_out);
    CHECK(outcome.out.starts_with("code 0\n"));
    instance.set_master(instance.status().pid);
    for (const int fd : {0, 1, 2}) {
        CHECK(!contains(proc::link(instance.master(), "fd/" + std::to_string(fd)), "pipe:"));
    }
}

TEST_CASE("the master in the background has a session of its own, and nothing else of its caller's") {
    Instance instance;
    const std::string held = instance.path("held").string();
    const std::string script = "exec 7>'" + held + "' 200<>'" + held + "'; exec '" + sup_binary() +
                               "' start '" + instance.config_path().string() + "'";
    Launch launch = instance.sandbox()->surround({.argv = {"bash", "-c", script}});
    const Outcome started = run(launch, 2 * patience);
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    const pid_t master = instance.status().pid;
    instance.set_master(master);
    CHECK(::getsid(master) == master);
    CHECK(::getpgid(master) == master);
    CHECK(proc::link(master, "cwd") == "/");
    for (const int fd : proc::descriptors(master))
        CHECK(proc::link(master, "fd/" + std::to_string(fd)) != held);
    CHECK(proc::link(master, "fd/0") == "/dev/null");
}

TEST_CASE("the example configuration config/hello.json works as scripts/start uses it") {
    Instance instance{{.name = "hello"}};
    std::string text = read_file(fs::path(source_dir()) / "config" / "hello.json");
    REQUIRE(contains(text, "\"127.0.0.1:8999\""));
    text.replace(text.find(":8999"), 5, ":0");
    // The layout that it is relative to: config/ beside build/.
    for (const char* folder : {"config", "build"}) fs::create_directory(instance.path(folder));
    write_file(instance.path("config") / "hello.json", text);
    install_copy(hello_worker(), instance.path("build") / "hello-worker");
    const Outcome started =
        instance.sandbox()->sup({"start", (instance.path("config") / "hello.json").string()});
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    instance.set_master(now.pid);
    CHECK(now.name == "hello");
    CHECK(hello(port_of(now.addresses.at(0))).generation == 1);
    install_copy(hello_worker_v2(), instance.path("build") / "hello-worker");
    CHECK(instance.reload().exit_code == 0);
    CHECK(hello(port_of(now.addresses.at(0))).generation == 2);
}

}  // namespace sup::test
