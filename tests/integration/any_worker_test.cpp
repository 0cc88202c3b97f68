// Workers that are told of their listeners in their own words, and say in their own way that they are ready.
#include <csignal>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/http.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/text.h"

namespace sup::test {

namespace {

// Answers one connection after the other on the listener that it is given by number, until SIGTERM.
const char* const python_server = R"(
import os, signal, socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if len(sys.argv) > 2:
    os.write(int(sys.argv[2]), b"\n")
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        body = "hello world from pid:%d, ppid: %d, generation: %s, version: python\n" % (
            os.getpid(), os.getppid(), os.environ["SUP_GENERATION"])
        connection.sendall(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                            % (len(body), body)).encode())
)";

// Acknowledges the start of the process that its argument names: "self", "parent".
const char* const python_acknowledger = R"(
import json, os, signal, socket, sys
pid = {"self": os.getpid(), "parent": os.getppid()}[sys.argv[1]]
with socket.socket(socket.AF_UNIX) as master:
    master.connect(os.environ["EINHORN_SOCK_PATH"])
    master.sendall(json.dumps({"command": "worker:ack", "pid": pid}).encode() + b"\n")
    assert master.recv(1) == b""
signal.pause()
)";

}  // namespace

TEST_CASE("placeholders in arguments and variables stand for this worker's own") {
    Instance instance{
        {.command = {"sh", "-c", R"(echo "$*" "$PLACE" >"out.$SUP_GENERATION.$SUP_SLOT"; exec sleep 1000)",
                     "sh", "{fd:http}", "{address:http}", "{host:http1}", "{port:http}",
                     "{generation}/{slot}", "{{}"},
         .env = {{"PLACE", "{instance}:{fd:http1}"}},
         .ready = "200ms"}};
    instance.config.listen = {"127.0.0.1:0", "[::1]:0"};
    instance.write_config();
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    const std::string port = std::to_string(instance.port());
    CHECK(read_file(instance.path("out.2.1")) == "3 127.0.0.1:" + port + " ::1 " + port + " 2/1 {} test:4\n");
    CHECK(read_file(instance.path("out.1.0")) == "3 127.0.0.1:" + port + " ::1 " + port + " 1/0 {} test:4\n");
}

TEST_CASE("a worker that was written for einhorn is ready by its ack, and reloads") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), source_dir() + "/config/examples/einhorn/worker.py"},
                       .protocols = {"einhorn"},
                       .ready = "einhorn-ack",
                       .drain_signal = "SIGUSR2"}};
    instance.start();
    CHECK(get(instance.port(), "/").body == "hello from einhorn's worker, generation 1\n");
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(get(instance.port(), "/").body == "hello from einhorn's worker, generation 2\n");
}

TEST_CASE("an ack counts only for the process that sends it, and only where it is waited for") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "ack.py", "parent"},
                       .count = 1,
                       .protocols = {"einhorn"},
                       .ready = "einhorn-ack",
                       .ready_timeout = "2s"}};
    write_file(instance.path("ack.py"), python_acknowledger);
    const Outcome other = instance.try_start();
    INFO(other.text());
    CHECK(other.exit_code == 1);
    CHECK(contains(other.text(), "it never sent its ack to EINHORN_SOCK_PATH"));
    CHECK(contains(instance.log(), "acknowledged the start of process"));

    instance.config.command.back() = "self";
    instance.config.ready = "notify";
    instance.write_config();
    CHECK(instance.try_start().exit_code == 1);

    instance.config.ready = "einhorn-ack";
    instance.config.ready_timeout = "60s";
    instance.write_config();
    instance.start();
}

TEST_CASE("a worker with its listener as standard input is ready by a newline, and reloads") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "server.py", "{fd:http}", "7"},
                       .protocols = {"stdin"},
                       .ready = R"({"fd": 7})"}};
    write_file(instance.path("server.py"), python_server);
    instance.start();
    CHECK(hello(instance.port()).generation == 1);
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(instance.port()).generation == 2);
}

TEST_CASE("a worker that never writes its newline fails, with a word about it") {
    Instance instance{{.command = {"sh", "-c", "printf almost >&9; exec sleep 1000 9>&-"},
                       .ready = R"({"fd": 9})",
                       .ready_timeout = "1s"}};
    const Outcome outcome = instance.try_start();
    INFO(outcome.text());
    CHECK(outcome.exit_code == 1);
    CHECK(contains(outcome.text(), "it never wrote a newline to descriptor 9"));
    CHECK(contains(instance.log(), "closed its readiness descriptor without writing a newline"));
}

TEST_CASE("nothing is left of the ack sockets of workers that have gone") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{{.command = {python(), "ack.py", "self"},
                       .protocols = {"systemd", "server-starter", "einhorn", "nginx", "php-fpm"},
                       .ready = "einhorn-ack"}};
    write_file(instance.path("ack.py"), python_acknowledger);
    instance.start();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    int sockets = 0;
    for (const auto& entry : std::filesystem::directory_iterator(instance.folder())) {
        sockets += entry.path().filename().string().starts_with("ack.") ? 1 : 0;
    }
    CHECK(sockets == 2);
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(instance.folder() / "pid"));
}

}  // namespace sup::test
