// Whom the drain signal reaches, and what becomes of workers that no signal reaches.
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

// From here on this process and its children are refused pidfd_send_signal(2).
void refuse_pidfd_signals(int error) {
    std::array<sock_filter, 4> program{
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 1),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
         BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
    const sock_fprog filter{program.size(), program.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) ::_exit(125);
}

// A request that is under way while everything is replaced must be answered.
void reload_during_request(Instance& instance) {
    HttpConnection slow(instance.port());
    slow.send(request("/sleep?ms=1000"));
    CHECK(hello(instance.port()).pid != 0);
    const Outcome reloaded = instance.reload({"--drained"});
    INFO(reloaded.text());
    CHECK(reloaded.exit_code == 0);
    const Answer answer = slow.receive();
    INFO(answer.error);
    CHECK(answer.ok());
}

}  // namespace

TEST_CASE("a server behind a shell that does not exec it drains") {
    const std::string shell = GENERATE("sh", "bash", "dash");
    const std::string script =
        GENERATE("./worker; :", "./worker & wait",
                 "trap 'kill $child' TERM; ./worker & child=$!; wait $child; wait $child");
    const std::string strategy = GENERATE("replace", "rolling");
    if (run({.argv = {shell, "-c", ":"}}).exit_code != 0) return skip(shell + " is not installed");
    Instance instance{{.command = {shell, "-c", script}, .count = 1, .strategy = strategy}};
    instance.start();
    reload_during_request(instance);
    const bool plain = !script.starts_with("trap");
    CHECK(contains(instance.log(), "READY=1 came from process") == plain);
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(contains(instance.log(), "SIGKILL"));
}

TEST_CASE("drain.to \"group\" reaches a server that cannot say READY=1 behind a shell") {
    Instance instance{{.command = {"sh", "-c", "trap : TERM; ./worker & wait; wait"},
                       .count = 1,
                       .ready = "300ms",
                       .drain_to = "group"}};
    instance.start();
    reload_during_request(instance);
}

TEST_CASE("a shell whose server never sent READY=1 causes a warning") {
    Instance instance{{.command = {"sh", "-c", "sleep 1000; :"}, .count = 1, .ready = "300ms"}};
    instance.start();
    CHECK(contains(instance.log(), "start the server with exec, or set drain.to"));
}

TEST_CASE("the wrapper's death is the worker's: its server ends with it, and a new one comes") {
    Instance instance{{.command = {"sh", "-c", "./worker; :"}, .count = 1}};
    instance.start();
    const pid_t wrapper = instance.worker_pids().at(0);
    const pid_t server = hello(instance.port()).pid;
    ::kill(wrapper, SIGKILL);
    CHECK(eventually([&] { return !proc::alive(server); }));
    instance.wait_for("a replacement", [](const InstanceStatus& now) {
        return now.settled() && now.generations[0].workers[0].restarts == 1;
    });
    CHECK(hello(instance.port()).pid != server);
}

TEST_CASE("where a sandbox refuses pidfd_send_signal, workers are still drained and killed") {
    const int error = GENERATE(ENOSYS, EPERM);
    Instance instance{{.count = 1}};
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.in_child = [error] { refuse_pidfd_signals(error); };
    const Outcome started = run(launch);
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.set_master(instance.status().pid);
    reload_during_request(instance);
    CHECK(instance.stop().exit_code == 0);
    CHECK_FALSE(contains(instance.log(), "SIGKILL"));
}

TEST_CASE("a main process that is none of the worker's is refused, and that is said once") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "-c", R"(
import os, signal, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.connect(os.environ["NOTIFY_SOCKET"])
    for _ in range(50):
        sender.send(b"MAINPID=1")
    sender.send(b"READY=1")
signal.pause()
)"},
                       .count = 1}};
    instance.start();
    const std::string log = instance.log();
    const std::size_t first = log.find("MAINPID=1 does not name one of its processes");
    REQUIRE(first != std::string::npos);
    CHECK(log.find("MAINPID=1", first + 1) == std::string::npos);
}

TEST_CASE("a release whose worker may not be signalled is refused, and stop says who is left and ends") {
    if (python().empty()) return skip("python3 is not installed");
    if (::geteuid() != 0) return skip("only root can make a program setuid");
    // Its group can be signalled where one in there can be, which does not end the worker.
    const std::string helper = GENERATE("no helper", "helper");
    Instance instance{{.command = {"./setuid-python", "-c", R"(
import os, signal, socket, sys
if sys.argv[1] == "helper" and os.fork() == 0:
    os.setresuid(65534, 65534, 65534)
    signal.pause()
os.setresuid(0, 0, 0)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
)",
                                   helper},
                       .count = 1}};
    namespace fs = std::filesystem;
    fs::permissions(instance.sandbox()->path("."), fs::perms::all | fs::perms::sticky_bit);
    fs::copy_file(fs::canonical(python()), instance.path("setuid-python"));
    fs::permissions(instance.path("setuid-python"), fs::perms::set_uid | fs::perms(0755));
    Launch launch = instance.sandbox()->command({"start", instance.config_path().string()});
    launch.env["PYTHONHOME"] = "/usr";
    launch.in_child = [] {
        if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(125);
    };
    const Outcome started = run(launch);
    INFO(started.text());
    INFO(instance.log());
    CHECK(started.exit_code == 1);
    CHECK(contains(started.text(), "may not signal it: it runs as user 0"));
    CHECK(contains(started.text(), "this is left of it: process "));
    CHECK(contains(instance.log(), "cannot be ended"));
    // Nobody but root can end it now.
    for (const pid_t pid : instance.sandbox()->processes()) ::kill(pid, SIGKILL);
}

TEST_CASE("a reload to a release that may not be signalled, and the stop after it, name what is left once") {
    if (python().empty()) return skip("python3 is not installed");
    if (::geteuid() != 0) return skip("only root can make a program setuid");
    namespace fs = std::filesystem;
    Instance instance{{.count = 1, .strategy = GENERATE("replace", "rolling")}};
    const auto folder = instance.sandbox()->path(".");
    fs::permissions(folder, fs::perms::all | fs::perms::sticky_bit);
    fs::copy_file(fs::canonical(python()), instance.path("setuid-python"));
    fs::permissions(instance.path("setuid-python"), fs::perms::set_uid | fs::perms(0755));
    const auto as_nobody = [&](std::vector<std::string> arguments) {
        Launch launch = instance.sandbox()->command(std::move(arguments));
        launch.env["PYTHONHOME"] = "/usr";
        launch.in_child = [] {
            if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(125);
        };
        return run(launch);
    };
    instance.write_config();
    const Outcome started = as_nobody({"start", instance.config_path().string()});
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.config.command = {"./setuid-python", "-c", R"(
import os, signal, socket
os.setresuid(0, 0, 0)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
)"};
    instance.write_config();
    const Outcome reload = as_nobody({"reload"});
    INFO(reload.text());
    CHECK(reload.exit_code == 1);
    CHECK(contains(reload.err, "this is left: process "));
    const Outcome stop = as_nobody({"stop"});
    INFO(stop.text());
    CHECK(stop.exit_code == 1);
    const std::size_t first = stop.err.find("(setuid-python)");
    CHECK(first != std::string::npos);
    CHECK(stop.err.find("(setuid-python)", first + 1) == std::string::npos);
    for (const pid_t pid : instance.sandbox()->processes()) ::kill(pid, SIGKILL);
}

TEST_CASE("a worker that no signal reaches may end while what another has left is still being ended") {
    if (python().empty()) return skip("python3 is not installed");
    if (::geteuid() != 0) return skip("only root can make a program setuid");
    Instance instance{{.command = {"./setuid-python", "-c", R"(
import os, signal, socket, time
leaves = os.environ["SUP_SLOT"] == "0"
signal.signal(signal.SIGTERM, lambda *_: None)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
if not leaves:
    os.setresuid(0, 0, 0)
    time.sleep(1.4)
elif os.fork() == 0:
    os.setsid()
    os.setresuid(65534, 65534, 65534)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.execv("/bin/sleep", ["sleep", "60"])
else:
    time.sleep(0.8)
)"},
                       .count = 2,
                       .drain_timeout = "1s"}};
    namespace fs = std::filesystem;
    fs::permissions(instance.sandbox()->path("."), fs::perms::all | fs::perms::sticky_bit);
    fs::copy_file(fs::canonical(python()), instance.path("setuid-python"));
    fs::permissions(instance.path("setuid-python"), fs::perms::set_uid | fs::perms(0755));
    const auto as_nobody = [&](std::vector<std::string> arguments) {
        Launch launch = instance.sandbox()->command(std::move(arguments));
        launch.env["PYTHONHOME"] = "/usr";
        launch.in_child = [] {
            if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(125);
        };
        return run(launch);
    };
    const Outcome started = as_nobody({"start", instance.config_path().string()});
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    const Outcome stop = as_nobody({"stop"});
    INFO(stop.text());
    INFO(instance.log());
    CHECK(contains(instance.log(), "cannot be ended"));
    CHECK(stop.exit_code == 0);
    for (const pid_t pid : instance.sandbox()->processes()) ::kill(pid, SIGKILL);
}

}  // namespace sup::test
