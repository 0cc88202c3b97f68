// Workers that know nothing of sup.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"

namespace sup::test {

namespace {

// Socket activation and readiness as sd_listen_fds(3) and sd_notify(3) describe them, by hand.
const char* const python_http_server = R"(
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

// Says, with the protocol's bare bones, what `messages` holds, one after the other, at the files "0", "1"…
const char* const python_notifier = R"(
import os, signal, socket, sys, time
listener = socket.socket(fileno=3)
listener.listen(3)
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
for number, message in enumerate(sys.argv[1:]):
    while not os.path.exists(str(number)):
        time.sleep(0.02)
    sender.sendto(message.encode(), os.environ["NOTIFY_SOCKET"])
signal.pause()
)";

// Opens its channel only when it drains, and says what it hears there about that.
const char* const python_latecomer = R"(
import os, signal, socket

def notify(message, descriptors=()):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(os.environ["NOTIFY_SOCKET"])
        socket.send_fds(sender, [message], descriptors)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
notify(b"READY=1")
signal.sigwait([signal.SIGTERM])
ours, masters = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
notify(b"X_SUP_CHANNEL=1", [masters.fileno()])
masters.close()
packet = b""
while b'"drain"' not in packet:
    packet = socket.recv_fds(ours, 65536, 4)[0]
print("told:", packet.decode(), flush=True)
)";

// The worker's own descriptor, as the kernel lends it to those who may trace it; empty where it does not.
UniqueFd borrow(pid_t pid, int fd) {
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0)));
}

// tcp(7) has it in no word: for a listening socket the kernel puts the backlog's limit here.
unsigned backlog(int listener) {
    tcp_info info{};
    socklen_t size = sizeof(info);
    REQUIRE(::getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
    return info.tcpi_sacked;
}

}  // namespace

TEST_CASE("a systemd-style Python server runs, says it is ready, and is reloaded") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "server.py"}}};
    write_file(instance.path("server.py"), python_http_server);
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

TEST_CASE("a worker that opens its channel while it drains is told there what it was not told before") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "latecomer.py"}, .count = 1}};
    write_file(instance.path("latecomer.py"), python_latecomer);
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    const std::string log = instance.log();
    INFO(log);
    CHECK(log.find(R"(told: {"listeners":["http"],"retired":[],"type":"drain"})") != std::string::npos);
}

TEST_CASE("a worker that calls listen with its own backlog does not change the shared socket's for good") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "notifier.py", "READY=1"}, .count = 1}};
    write_file(instance.path("notifier.py"), python_notifier);
    write_file(instance.path("0"), "");
    instance.start();
    const UniqueFd listener = borrow(instance.worker_pids().at(0), 3);
    if (!listener) return skip("this machine does not let us look at another process's descriptors");
    CHECK(backlog(listener.get()) == std::min(4096ul, std::stoul(read_file("/proc/sys/net/core/somaxconn"))));
}

TEST_CASE("a worker may ask for more time to become ready, and says how it is doing") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{
        {.command = {python(), "notifier.py", "EXTEND_TIMEOUT_USEC=600000000\nSTATUS=reading 1/2",
                     "STATUS=reading 2/2\nREADY=1\nX_UNKNOWN=1"},
         .count = 1,
         .ready_timeout = "3s"}};
    write_file(instance.path("notifier.py"), python_notifier);
    write_file(instance.path("0"), "");
    Child starter(instance.sandbox()->command({"start", instance.config_path().string()}));
    REQUIRE(eventually([&] { return instance.sandbox()->sup({"status"}).exit_code == 0; }));
    instance.wait_for("its status", [](const InstanceStatus& now) {
        return !now.generations.empty() && now.generations[0].workers.at(0).text == "reading 1/2";
    });
    std::this_thread::sleep_for(
        std::chrono::milliseconds(3500));  // longer than ready_timeout alone would give
    CHECK(starter.running());
    write_file(instance.path("1"), "");
    CHECK(starter.wait().exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    instance.set_master(now.pid);
    CHECK(now.generations[0].workers.at(0).text == "reading 2/2");
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
