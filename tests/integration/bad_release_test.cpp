// Promise 3: a bad release changes nothing.
#include <fcntl.h>
#include <signal.h>

#include <functional>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace fs = std::filesystem;

namespace {

struct BadRelease {
    std::string name;
    std::function<void(Instance&)> make;
    int exit_code;
    std::vector<std::string> said;  // each must stand in what the asker is told
    bool serves_first = false;      // so that requests may die with it
};

const std::vector<BadRelease>& bad_releases() {
    static const std::vector<BadRelease> releases{
        {"missing", [](Instance& i) { fs::remove(i.worker_path()); }, 1, {"worker", "No such file"}},
        {"not executable",
         [](Instance& i) { install_file(read_file(hello_worker_v2()), 0644, i.worker_path()); },
         1,
         {"worker", "Permission denied"}},
        {"not a program",
         [](Instance& i) { install_file("neither ELF nor script", 0755, i.worker_path()); },
         1,
         {"worker", "xec"}},
        {"a script whose interpreter is missing",
         [](Instance& i) { install_file("#!/no/such/interpreter\n", 0755, i.worker_path()); },
         1,
         {"worker", "No such file"}},
        {"exits at once",
         [](Instance& i) {
             install_script("echo first words\necho cannot open database >&2\nexit 7", i.worker_path());
         },
         1,
         {"cannot open database", "first words", "7"}},
        {"fails to start",
         [](Instance& i) {
             i.config.command.push_back("--fail-start");
             i.write_config();
         },
         1,
         {"exited", "1"}},
        {"dies of a signal before it is ready",
         [](Instance& i) { install_script("echo about to die\nkill -SEGV $$", i.worker_path()); },
         1,
         {"about to die", "SIGSEGV"}},
        {"hangs without becoming ready",
         [](Instance& i) {
             install_script("echo waiting for the moon\nexec sleep 1000", i.worker_path());
             i.config.ready_timeout = "1s";
             i.write_config();
         },
         1,
         {"waiting for the moon", "ready"}},
        {"crashes within the soak",
         [](Instance& i) {
             i.config.command.insert(i.config.command.end(), {"--crash-after", "200ms"});
             i.config.soak = "60s";
             i.write_config();
         },
         1,
         {"soak"},
         true},
        {"an invalid configuration",
         [](Instance& i) {
             write_file(i.config_path(), R"({ "listen": [], "wroker": { "command": ["./worker"] } })");
         },
         2,
         {"test.json:1:", "wroker", "worker"}},
        {"a configuration that is no JSON",
         [](Instance& i) { write_file(i.config_path(), "{ \"listen\": [,] }"); },
         2,
         {"test.json:1:"}},
        {"a configuration file that is gone",
         [](Instance& i) { fs::remove(i.config_path()); },
         2,
         {"test.json", "No such file"}},
        {"another instance's name",
         [](Instance& i) {
             const auto file = i.config_path();
             Config changed = i.config;
             changed.name = "other";
             write_file(file, changed.json());
         },
         2,
         {"test.json:", ":11: /name: ", "other"}},
        {"a working directory that is missing",
         [](Instance& i) {
             i.config.cwd = "nowhere";
             i.write_config();
         },
         1,
         {"nowhere", "No such file"}},
        {"a command that is not in PATH",
         [](Instance& i) {
             i.config.command = {"no-such-program-anywhere"};
             i.write_config();
         },
         1,
         {"no-such-program-anywhere", "PATH"}},
    };
    return releases;
}

// A worker that calls ready() at once or at the end, which is when a file named "go" is there.
std::string mortal_release(const std::string& at_once, const std::string& at_the_end) {
    return R"(
import os, socket, time
def ready():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
)" + at_once +
           "\nwhile not os.path.exists('go'): time.sleep(0.01)\n" + at_the_end + "\nos._exit(7)\n";
}

}  // namespace

TEST_CASE("a bad release leaves the old generation serving, untouched, and the asker is told why") {
    const auto index = GENERATE(range(std::size_t{0}, bad_releases().size()));
    const BadRelease& bad = bad_releases()[index];
    INFO("the new release: " << bad.name);

    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const auto old_pids = instance.worker_pids();
    Load load(port, 4);
    bad.make(instance);
    const Outcome outcome = instance.reload();
    INFO(outcome.text());
    CHECK(outcome.exit_code == bad.exit_code);
    CHECK(!outcome.timed_out);
    for (const auto& part : bad.said) {
        INFO("told: " << part);
        CHECK(contains(outcome.err, part));
    }

    const auto answered = load.answered();
    CHECK(eventually([&] { return load.answered() >= answered + 20; }));
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == (bad.serves_first ? report.reset + report.short_answers : 0));
    const InstanceStatus now = instance.wait_until_settled();  // nothing left of the new one
    CHECK(now.generations[0].number == 1);
    CHECK(now.generations[0].pids() == old_pids);
    for (const auto& worker : now.generations[0].workers) CHECK(worker.restarts == 0);
    REQUIRE(now.last_reload);
    CHECK(now.last_reload->outcome == "failed");
    CHECK(now.last_reload->reason != "");
    CHECK(hello(port).generation == 1);

    // And a good one after it is a reload like any other.
    install_copy(hello_worker_v2(), instance.worker_path());
    instance.config = Config{};
    instance.write_config();
    CHECK(instance.reload().exit_code == 0);
    CHECK(instance.wait_until_settled().generations[0].pids() != old_pids);
}

TEST_CASE("a new listener that cannot be bound fails the reload and says who holds the port") {
    Instance instance;
    instance.start();
    const auto old_pids = instance.worker_pids();
    const Squatter squatter;
    instance.config.listen.push_back(squatter.address());
    instance.write_config();
    const Outcome outcome = instance.reload();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, squatter.address()));
    CHECK(contains(outcome.err, "in use"));
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].pids() == old_pids);
    REQUIRE(now.last_reload);
    CHECK(!now.last_reload->generation);  // preparing failed, so there never was one
}

TEST_CASE("a request that a good worker of a failing generation has taken is still answered") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const auto old_pids = instance.worker_pids();
    install_script("[ $SUP_SLOT = 0 ] && exec ./worker\nuntil [ -e fail ]; do sleep 0.02; done\nexit 1",
                   instance.path("half-good"));
    instance.config.command = {"./half-good"};
    instance.write_config();
    Child asker(instance.sandbox()->command({"reload"}));
    // A connection of which the new generation has taken hold, and a request on it that ends when the test
    // says so.
    std::optional<HttpConnection> taken;
    REQUIRE(eventually([&] {
        taken.emplace(port);
        taken->send(request("/", true));
        const auto by = parse_hello(taken->receive().body);
        return by && by->generation == 2;
    }));
    taken->send("POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    write_file(instance.path("fail"), "");
    CHECK(asker.wait().exit_code == 1);
    CHECK(hello(port).generation == 1);
    taken->send("cd");
    const Answer answer = taken->receive();
    INFO(answer.error);
    CHECK(answer.body == "abcd");
    CHECK(instance.wait_until_settled().generations[0].pids() == old_pids);
}

TEST_CASE("the old generation is kept at strength while a new one hangs") {
    Instance instance{{.count = 1}};
    instance.start();
    const pid_t old = instance.worker_pids().at(0);
    install_script("exec sleep 1000", instance.worker_path());
    instance.config.ready_timeout = "5s";
    instance.write_config();
    Child asker(instance.sandbox()->command({"reload"}));
    instance.wait_for("generation 2 starting", [](const auto& s) { return s.generation(2) != nullptr; });
    ::kill(old, SIGKILL);
    const auto now = instance.wait_for("a replacement", [old](const InstanceStatus& s) {
        return s.active() != nullptr && s.active()->all_ready() &&
               s.active()->pids() != std::vector<pid_t>{old};
    });
    CHECK(now.active()->number == 1);
    CHECK(asker.wait().exit_code == 1);
    CHECK(hello(instance.port()).generation == 1);
}

TEST_CASE("releases that fail one after another leave the sockets' O_NONBLOCK as it was before the first") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.count = 2}};
    const auto release = [&](const std::string& name, const std::string& program) {
        write_file(instance.path(name), R"(
import os, signal, socket, sys, time
def say(what):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(what, os.environ["NOTIFY_SOCKET"])
def wait_for(file):
    while not os.path.exists(file):
        time.sleep(0.02)
)" + program);
        instance.config.command = {python(), name};
        instance.write_config();
    };
    const auto nonblock_now = [&] {
        const std::string info =
            read_file("/proc/" + std::to_string(instance.worker_pids().front()) + "/fdinfo/3");
        return (std::stoul(info.substr(info.find("flags:") + 6), nullptr, 8) & O_NONBLOCK) != 0;
    };
    release("blocking.py", "say(b'READY=1')\nsignal.pause()\n");
    instance.start();
    CHECK_FALSE(nonblock_now());
    release("leaves_late.py", R"(
if os.environ["SUP_SLOT"] == "1":
    wait_for("ready")
    sys.exit(1)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.set_blocking(3, False)
say(b"READY=1")
open("ready", "w").close()
wait_for("leave")
)");
    CHECK(instance.reload().exit_code == 1);
    CHECK(nonblock_now());
    release("fails.py", "sys.exit(1)\n");
    CHECK(instance.reload().exit_code == 1);
    write_file(instance.path("leave"), "");
    instance.wait_until_settled();
    CHECK(eventually([&] { return !nonblock_now(); }));
}

// SIGSTOP, a machine that was suspended: the deadline and what came before it are then told together.
TEST_CASE("a release that died while the master did not run is not promoted when it runs again") {
    if (python().empty()) return skip("there is no Python");
    constexpr std::chrono::seconds soak{3};
    Instance instance;
    instance.start();
    const auto old_pids = instance.worker_pids();
    write_file(instance.path("release.py"), mortal_release("ready()", ""));
    instance.config.command = {python(), "release.py"};
    instance.config.soak = std::to_string(soak.count()) + "s";
    instance.write_config();
    Child reload(instance.sandbox()->command({"reload"}));
    const auto next = instance.wait_for("the soak", [](const auto& now) {
        return now.generation(2) != nullptr && now.generation(2)->state == "soaking";
    });
    ::kill(instance.master(), SIGSTOP);
    const auto soaks = std::chrono::steady_clock::now();
    write_file(instance.path("go"), "");
    for (const pid_t pid : next.generation(2)->pids()) CHECK(eventually([&] { return !proc::alive(pid); }));
    CHECK(eventually([&] { return std::chrono::steady_clock::now() - soaks > soak; }));
    ::kill(instance.master(), SIGCONT);
    const Outcome outcome = reload.wait();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, "within reload.soak"));
    CHECK(instance.wait_until_settled().active()->pids() == old_pids);
}

TEST_CASE("a worker that was ready in time is not killed when the master only hears of it later") {
    if (python().empty()) return skip("python3 is not installed");
    constexpr std::chrono::milliseconds timeout{1500};
    Instance instance{{.count = 1}};
    instance.start();
    write_file(instance.path("release.py"), R"(
import os, socket, time
while not os.path.exists('go'): time.sleep(0.01)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
open("said", "w").close()
time.sleep(1000)
)");
    instance.config.command = {python(), "release.py"};
    instance.config.ready_timeout = std::to_string(timeout.count()) + "ms";
    instance.write_config();
    const auto begun = std::chrono::steady_clock::now();
    Child reload(instance.sandbox()->command({"reload"}));
    const auto next = instance.wait_for("the new worker", [](const auto& now) {
        return now.generation(2) != nullptr && now.generation(2)->pids().size() == 1;
    });
    ::kill(instance.master(), SIGSTOP);
    write_file(instance.path("go"), "");
    CHECK(eventually([&] { return fs::exists(instance.path("said")); }));
    CHECK(eventually([&] { return std::chrono::steady_clock::now() - begun > 2 * timeout; }));
    ::kill(instance.master(), SIGCONT);
    const Outcome outcome = reload.wait();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 0);
    CHECK(instance.wait_until_settled().active()->pids() == next.generation(2)->pids());
}

// What it says and its end come to the master in one and the same moment.
TEST_CASE("a worker that says READY=1 and is dead when that is heard is not promoted") {
    if (python().empty()) return skip("there is no Python");
    Instance instance;
    instance.config.count = 1;
    instance.start();
    const auto old_pids = instance.worker_pids();
    write_file(instance.path("release.py"), mortal_release("", "ready()"));
    instance.config.command = {python(), "release.py"};
    instance.write_config();
    Child reload(instance.sandbox()->command({"reload"}));
    const auto next = instance.wait_for("the new worker", [](const auto& now) {
        return now.generation(2) != nullptr && now.generation(2)->pids().size() == 1;
    });
    ::kill(instance.master(), SIGSTOP);
    write_file(instance.path("go"), "");
    const pid_t pid = next.generation(2)->pids().at(0);
    CHECK(eventually([&] { return !proc::alive(pid); }));
    ::kill(instance.master(), SIGCONT);
    const Outcome outcome = reload.wait();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, "exited with code 7 right after it was ready"));
    CHECK(instance.wait_until_settled().active()->pids() == old_pids);
}

TEST_CASE("a release that binds the address itself is told where sup holds it, and where the log is") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance;
    instance.start();
    const std::string port = std::to_string(instance.port());
    instance.config.command = {python(), "-c",
                               "import socket; socket.socket().bind((\"127.0.0.1\", " + port + "))"};
    instance.write_config();
    const Outcome outcome = instance.reload();
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.err, "Address already in use"));
    CHECK(contains(outcome.err, "sup holds 127.0.0.1:" + port));
    CHECK(contains(outcome.err, "take descriptor 3"));
    CHECK(contains(outcome.err, "the log is " + instance.path("sup.log").string()));
}

}  // namespace sup::test
