// Workers that know nothing of sup.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"

namespace sup::test {

namespace {

// Socket activation and readiness as sd_listen_fds(3) and sd_notify(3) describe them, by hand.
const char* const python_server = R"(
import os, signal, socket, sys

def notify(message):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message, os.environ["NOTIFY_SOCKET"])

assert os.environ["LISTEN_PID"] == str(os.getpid())
assert os.environ["LISTEN_FDS"] == "1"
assert os.environ["LISTEN_FDNAMES"] == "http"
listener = socket.socket(fileno=3)
assert listener.getblocking()
stopping = False

def stop(*_):
    global stopping
    stopping = True
    raise InterruptedError

signal.signal(signal.SIGTERM, stop)
notify(b"READY=1\nSTATUS=serving from python")
while not stopping:
    try:
        connection, _ = listener.accept()
    except InterruptedError:
        break
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    with connection:
        connection.recv(65536)
        body = "hello world from pid:%d, ppid: %d, generation: %s, version: python\n" % (
            os.getpid(), os.getppid(), os.environ["SUP_GENERATION"])
        connection.sendall(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                            % (len(body), body)).encode())
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    except InterruptedError:
        break
notify(b"STOPPING=1")
)";

}  // namespace

TEST_CASE("a systemd-style Python server runs, says it is ready, and is reloaded") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "server.py"}}};
    write_file(instance.path("server.py"), python_server);
    instance.start();
    const std::uint16_t port = instance.port();
    CHECK(hello(port).version == "python");
    const auto now = instance.wait_for("its status text", [](const auto& s) {
        return s.settled() && s.active()->workers[0].text == "serving from python";
    });
    CHECK(now.active()->pinned);  // the interpreter
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(port).generation == 2);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    CHECK(eventually([&] { return instance.wait_until_settled().generations[0].workers[0].restarts == 1; }));
}

TEST_CASE("a wrapper script whose child says that it is ready is as good as the worker itself") {
    Instance instance{{.command = {"./wrapper"}}};
    // LISTEN_PID names the wrapper; the worker library knows it as the leader of its process group.
    install_script(
        "./worker --ready-delay 100ms &\nchild=$!\ntrap 'kill $child' TERM\nwait $child\nwait $child",
        instance.path("wrapper"));
    instance.start();
    CHECK(hello(instance.port()).generation == 1);
    CHECK(hello(instance.port()).parent != instance.master());
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(instance.port()).generation == 2);
}

TEST_CASE("a worker that cannot say it is ready is ready when it has lived long enough") {
    Instance instance{{.command = {"sleep", "1000"}, .ready = "300ms"}};
    instance.start();
    CHECK(instance.wait_until_settled().generations[0].all_ready());
    instance.config.command = {"sleep", "0.1"};
    instance.config.ready = "60s";
    instance.config.ready_timeout = "2m";
    instance.write_config();
    const Outcome outcome = instance.reload();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(instance.wait_until_settled().generations[0].number == 1);
}

TEST_CASE("an instance without listeners starts, reloads and stops") {
    Instance instance{{.listen = {}, .command = {"sleep", "1000"}, .ready = "50ms"}};
    instance.start();
    CHECK(instance.status().addresses.empty());
    CHECK(instance.reload({"--drained"}).exit_code == 0);
    CHECK(instance.worker_pids().size() == 2);
}

}  // namespace sup::test
