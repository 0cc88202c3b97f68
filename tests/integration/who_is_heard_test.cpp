// Who may say what a worker is: its own processes, whatever user they have become, and nobody else.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

// Becomes nobody where it is root, as a worker does that needs root only to begin.
const std::string give_up_root = R"(
import os, signal, socket, sys, time
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)

def notify(message):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message, os.environ["NOTIFY_SOCKET"])

)";

const std::string reopener = give_up_root + R"(
for path in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1"):
    with open(path, "a") as file:
        file.write("written through " + path + "\n")
notify(b"READY=1\nSTATUS=as %d" % os.getuid())
signal.pause()
)";

const std::string acknowledger = give_up_root + R"(
with socket.socket(socket.AF_UNIX) as master:
    master.connect(os.environ["EINHORN_SOCK_PATH"])
    master.sendall(b'\x7b"command":"worker:ack","pid":%d\x7d\n' % os.getpid())
    assert master.recv(1) == b""
signal.pause()
)";

// Says nothing before SIGUSR1.
const std::string reticent = give_up_root + R"(
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
print("waits", flush=True)
signal.sigwait([signal.SIGUSR1])
notify(b"READY=1")
signal.pause()
)";

// A process that is no worker's, and speaks all the same; it lives until it is told to end.
const std::string stranger = give_up_root + R"(
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1\nSTATUS=by a stranger", sys.argv[1])
print("said", flush=True)
signal.pause()
)";

// Its children fill the queue of the socket, as nobody, and end; then it says so and ends, too.
const std::string ended_strangers = give_up_root + R"(
full = False
while not full:
    child = os.fork()
    if child == 0:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(b"READY=1\nSTATUS=by a stranger", socket.MSG_DONTWAIT, sys.argv[1])
            except BlockingIOError:
                os._exit(1)
        os._exit(0)
    full = os.waitpid(child, 0)[1] != 0
print("said", flush=True)
)";

// So that nobody may come to the sockets in it.
void open_to_all(const Instance& instance) {
    std::filesystem::permissions(instance.sandbox()->path("."), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
}

}  // namespace

TEST_CASE("a worker that has given up root is heard, and can open its output again") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "-c", reopener}, .count = 1, .cwd = "/"}};
    open_to_all(instance);
    instance.start();
    const std::string user = std::to_string(::getuid() == 0 ? 65534 : ::getuid());
    CHECK(instance.wait_until_settled().generations[0].workers.at(0).text == "as " + user);
    CHECK(eventually([&] {
        const std::string log = instance.log();
        return contains(log, "stdout: written through /dev/stdout") &&
               contains(log, "stderr: written through /dev/stderr") &&
               contains(log, "stdout: written through /proc/self/fd/1");
    }));
}

TEST_CASE("a worker that has given up root acknowledges its start") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "-c", acknowledger},
                       .count = 1,
                       .cwd = "/",
                       .protocols = {"einhorn"},
                       .ready = "einhorn-ack"}};
    open_to_all(instance);
    instance.start();
    CHECK(instance.reload({"--drained"}).exit_code == 0);
}

TEST_CASE("a message from a helper that has already exited counts") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {"sh", "-c", "\"$0\" -c \"$1\"; exec sleep 1000", python(),
                                   R"(
import os, socket
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"]))"},
                       .count = 1}};
    instance.start();
}

TEST_CASE("a stranger with the worker's own user is not heard, and is named") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "-c", reticent}, .count = 1, .cwd = "/"}};
    open_to_all(instance);
    Child starter(instance.sandbox()->command({"start", instance.config_path().string()}));
    REQUIRE(eventually([&] { return contains(instance.log(), "waits"); }));
    const InstanceStatus now = instance.status();
    instance.set_master(now.pid);
    const pid_t worker = now.generations.at(0).workers.at(0).pid;
    const std::string socket = proc::variable(worker, "NOTIFY_SOCKET").value_or("");

    Child speaker({.argv = {python(), "-c", stranger, socket}});
    REQUIRE(eventually([&] { return speaker.running() && contains(speaker.output(), "said"); }));
    CHECK(eventually(
        [&] { return contains(instance.log(), "process " + std::to_string(speaker.pid()) + " (python3"); }));
    CHECK(contains(instance.log(), "is not one of its processes"));
    CHECK(starter.running());
    CHECK(instance.status().generations.at(0).workers.at(0).text.empty());
    ::kill(worker, SIGUSR1);
    CHECK(starter.wait().exit_code == 0);
}

TEST_CASE("strangers that have ended do not make a worker ready, also not one that has ended") {
    if (python().empty()) return skip("python3 is not installed");
    if (::geteuid() != 0) return skip("only root can be somebody else than its worker");
    const bool worker_ends = GENERATE(true, false);
    Instance instance{
        {.command = {python(), "-c", "import signal; print('waits', flush=True); signal.pause()"},
         .count = 1,
         .cwd = "/",
         .ready_timeout = "5s"}};
    open_to_all(instance);
    Child starter(instance.sandbox()->command({"start", instance.config_path().string()}));
    REQUIRE(eventually([&] { return contains(instance.log(), "waits"); }));
    const InstanceStatus now = instance.status();
    instance.set_master(now.pid);
    const pid_t worker = now.generations.at(0).workers.at(0).pid;
    const std::string socket = proc::variable(worker, "NOTIFY_SOCKET").value_or("");
    ::kill(now.pid, SIGSTOP);
    const Outcome said = run({.argv = {python(), "-c", ended_strangers, socket}});
    if (worker_ends) ::kill(worker, SIGKILL);
    ::kill(now.pid, SIGCONT);
    REQUIRE(contains(said.out, "said"));
    const Outcome started = starter.wait();
    INFO(started.text());
    INFO(instance.log());
    CHECK(started.exit_code == 1);
    CHECK(contains(instance.log(), "of user 65534 wrote to its NOTIFY_SOCKET"));
}

TEST_CASE("a worker of sup run has no terminal, and cannot type into the one that sup runs at") {
    if (python().empty()) return skip("python3 is not installed");
    const std::string typist = give_up_root + R"(
import fcntl, termios
def attempt(what, action):
    try:
        action()
        print(what, "works", flush=True)
    except OSError as problem:
        print(what, "is refused", flush=True)
attempt("open", lambda: os.open("/dev/tty", os.O_RDWR))
attempt("typing", lambda: fcntl.ioctl(1, termios.TIOCSTI, b"x"))
notify(b"READY=1")
signal.pause()
)";
    Instance instance{
        {.command = {python(), "-c", typist}, .count = 1, .cwd = "/", .log_workers = "inherit"}};
    open_to_all(instance);
    Launch launch = instance.sandbox()->command({"run", instance.config_path().string()});
    launch.terminal = true;
    Child foreground(launch);
    REQUIRE(eventually(
        [&] { return foreground.running() && instance.sandbox()->sup({"status"}).exit_code == 0; }));
    instance.wait_until_settled();
    CHECK(eventually([&] { return foreground.running() && contains(foreground.output(), "typing"); }));
    INFO(foreground.output());
    CHECK(contains(foreground.output(), "open is refused"));
    CHECK(contains(foreground.output(), "typing is refused"));
    foreground.type("\x03");
    CHECK(foreground.wait().exit_code == 0);
}

}  // namespace sup::test
