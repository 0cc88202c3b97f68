// What becomes of sockets that everybody shares: shut down by a worker, moved to another address of their
// port, or served by nobody.
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "tests/catch.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"

namespace sup::test {
namespace {

using Json = nlohmann::json;

// Serves its first descriptor, and ends it with shutdown() when it is told to drain, as many frameworks do.
const char* const shutting_server = R"(
import os, signal, socket, time
listener = socket.socket(fileno=3)
stopping = False
def stop(*_):
    global stopping
    stopping = True
    raise InterruptedError
signal.signal(signal.SIGTERM, stop)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while not stopping:
    try:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
    except InterruptedError:
        break
    except OSError:
        time.sleep(0.01)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    listener.shutdown(socket.SHUT_RDWR)
except OSError:
    pass
time.sleep(0.5)
)";

// Shuts the listener down some hundred times before it serves.
const char* const restless_server = R"(
import os, socket, time
listener = socket.socket(fileno=3)
listener.setblocking(True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
times = 0
while times < 300:
    try:
        listener.shutdown(socket.SHUT_RDWR)
        times += 1
    except OSError:
        pass
    time.sleep(0.0005)
print("has shut it down often", flush=True)
while True:
    try:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
    except OSError:
        time.sleep(0.01)
)";

// Serves one client after the other, and takes its time: argv[1] seconds for each.
const char* const slow_server = R"(
import os, socket, sys, time
listener = socket.socket(fileno=3)
listener.setblocking(True)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
while True:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        time.sleep(float(sys.argv[1]))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
)";

// Clients that come again as soon as they were served.
class BusyClients {
public:
    BusyClients(const Endpoint& endpoint, int count) {
        for (int i = 0; i < count; ++i) {
            threads_.emplace_back([this, endpoint] {
                while (!stopping_) {
                    if (get(endpoint).ok()) ++answered_;
                }
            });
        }
    }
    ~BusyClients() {
        stopping_ = true;
        for (std::thread& thread : threads_) thread.join();
    }
    BusyClients(const BusyClients&) = delete;
    BusyClients& operator=(const BusyClients&) = delete;
    int answered() const { return answered_; }

private:
    std::atomic<bool> stopping_{false};
    std::atomic<int> answered_{0};
    std::vector<std::thread> threads_;
};

// Says that it is ready, and serves nothing.
const char* const idle_server = R"(
import os, signal, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
    sender.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
signal.pause()
)";

std::vector<std::string> python_command(const Instance& instance, const std::string& name,
                                        const char* source) {
    write_file(instance.path(name), source);
    return {"/usr/bin/python3", instance.path(name).string()};
}

Json status_of(const Instance& instance) {
    return Json::parse(instance.sandbox()->sup({"status", "--json"}).out);
}

int check(const Instance& instance, const std::string& option = "--check") {
    return instance.sandbox()->sup({"status", option}).exit_code;
}

}  // namespace

TEST_CASE("old workers that shut the listener down take nothing from their successors, and it is logged") {
    Instance instance;
    instance.config.command = python_command(instance, "server.py", shutting_server);
    instance.write_config();
    instance.start();
    const std::uint16_t port = instance.port();
    CHECK(get(port).ok());
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    for (int i = 0; i < 20; ++i) {
        const Answer answer = get(port);
        INFO(answer.error);
        CHECK(answer.ok());
    }
    const auto said = [&](const char* words) { return instance.log().find(words) != std::string::npos; };
    CHECK(eventually(
        [&] { return said("a worker has shut it down (shutdown(2))") && said("it listens again"); }));
    CHECK(check(instance) == 0);
}

TEST_CASE(
    "a worker that shuts the listener down over and over does not flood the log, and clients are served") {
    Instance instance;
    instance.config.count = 1;
    instance.config.command = python_command(instance, "server.py", restless_server);
    instance.write_config();
    instance.start();
    REQUIRE(eventually([&] { return instance.log().find("has shut it down often") != std::string::npos; }));
    CHECK(eventually([&] { return get(instance.port()).ok(); }));
    CHECK(instance.stop().exit_code == 0);
    const std::string log = instance.log();
    int lines = 0;
    for (std::size_t at = log.find("(shutdown(2))"); at != log.npos; at = log.find("(shutdown(2))", at + 1))
        ++lines;
    CHECK(lines <= 10);  // one each ten seconds, and what came again
    CHECK(log.find("more times in 10s)") != log.npos);
}

TEST_CASE("a unix listener that a worker has shut down is never called well, and a reload binds it anew") {
    Instance instance;
    instance.config.listen = {"unix:" + instance.path("app.sock").string()};
    instance.config.count = 1;
    instance.config.command = python_command(instance, "server.py", shutting_server);
    instance.write_config();
    instance.start();
    ::kill(instance.worker_pids().at(0), SIGTERM);
    REQUIRE(eventually([&] { return instance.log().find("binds it again") != std::string::npos; }));
    CHECK(check(instance) == 6);  // it is the only one
    CHECK(instance.sandbox()->sup({"status"}).out.find("was shut down by a worker") != std::string::npos);
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(get(Endpoint(instance.path("app.sock"))).ok());
    CHECK(eventually([&] { return check(instance) == 0; }));
}

TEST_CASE("a listener moves between one address and all of them, and no client is lost") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    for (const char* host : {"0.0.0.0", "127.0.0.1", "*", "127.0.0.1"}) {
        HttpConnection kept(port);
        kept.send(request("/", true));
        REQUIRE(kept.receive().ok());
        instance.config.listen = {std::string(host) + ":" + std::to_string(port)};
        instance.write_config();
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        for (int i = 0; i < 20; ++i) {
            const Answer answer = get(port);
            INFO(host << ": " << answer.error);
            CHECK(answer.ok());
        }
        kept.send(request("/"));
        CHECK(kept.receive().ok());
    }
}

TEST_CASE("a queue that nobody empties is reported, with how many wait") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    instance.config.command = python_command(instance, "idle.py", idle_server);
    instance.write_config();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    HttpConnection first(port);
    HttpConnection second(port);
    first.send(request("/"));
    REQUIRE(eventually([&] {
        return instance.sandbox()->sup({"status"}).out.find("nobody accepts from http: 2 clients wait") !=
               std::string::npos;
    }));
    CHECK(status_of(instance).at("listeners").at(0).at("queue") == 2);
    CHECK(status_of(instance).at("listeners").at(0).at("queue_limit").get<int>() > 100);
    CHECK(check(instance) == 5);
    CHECK(check(instance, "--check=serving") == 0);
    CHECK(instance.log().find("nobody accepts from http") != std::string::npos);
}

TEST_CASE("a queue that a slow worker empties is never called unattended: TCP, unix, full") {
    const std::string place = GENERATE(as<std::string>{}, "tcp", "unix", "full");
    CAPTURE(place);
    Instance instance;
    instance.config.count = 1;
    if (place == "unix") instance.config.listen = {"unix:" + instance.path("app.sock").string()};
    if (place == "full") instance.config.listen_keys = R"({"backlog": 2})";
    instance.config.command = python_command(instance, "slow.py", slow_server);
    instance.config.command.emplace_back("0.1");
    instance.write_config();
    instance.start();
    const Endpoint endpoint =
        place == "unix" ? Endpoint(instance.path("app.sock")) : Endpoint(instance.port());
    BusyClients clients(endpoint, place == "full" ? 8 : 4);
    std::uint64_t longest = 0;
    // Many times as long as it takes until it would be said.
    REQUIRE(eventually([&] {
        CHECK(check(instance) == 0);
        longest =
            std::max(longest, status_of(instance).at("listeners").at(0).at("queue").get<std::uint64_t>());
        return clients.answered() >= 80;
    }));
    CHECK(longest >= 2);
    CHECK(instance.log().find("nobody accepts") == std::string::npos);
}

TEST_CASE("a unix queue that nobody empties is said, also when its clients give up") {
    Instance instance;
    instance.config.count = 1;
    instance.config.listen = {"unix:" + instance.path("app.sock").string()};
    instance.config.command = python_command(instance, "idle.py", idle_server);
    instance.write_config();
    instance.start();
    std::optional<HttpConnection> first(instance.path("app.sock"));
    HttpConnection second(instance.path("app.sock"));
    CHECK(check(instance) == 0);
    first.reset();
    CHECK(eventually([&] { return check(instance) == 5; }));
    CHECK(instance.log().find("nobody accepts from http: 2 clients wait") != std::string::npos);
}

TEST_CASE("an instance without a ready worker is down: in status, list and exit code") {
    Instance instance{{.count = 1, .min_uptime = "1h", .backoff_min = "30s"}};
    instance.start();
    CHECK(check(instance) == 0);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    REQUIRE(eventually([&] { return check(instance) == 6; }));
    CHECK(check(instance, "--check=serving") == 6);
    const Json status = status_of(instance);
    CHECK(status.at("state") == "down");
    CHECK(status.at("serving") == 0);
    CHECK(status.at("wanted") == 1);
    const Json worker = status.at("generations").at(0).at("workers").at(0);
    CHECK(worker.at("state") == "restarting");
    CHECK(worker.at("last_exit").at("signal") == SIGKILL);
    CHECK(worker.at("retry_in_ms").get<int>() > 0);
    CHECK(worker.at("short_lives") == 1);
    CHECK(instance.sandbox()->sup({"status"}).out.find("DOWN") != std::string::npos);
    CHECK(instance.sandbox()->sup({"list"}).out.find("DOWN") != std::string::npos);
}

TEST_CASE("one worker of two that waits for its restart is not well, but serves") {
    Instance instance{{.count = 2, .min_uptime = "1h", .backoff_min = "30s"}};
    instance.start();
    ::kill(instance.worker_pids().at(0), SIGKILL);
    REQUIRE(eventually([&] { return check(instance) == 5; }));
    CHECK(check(instance, "--check=serving") == 0);
    CHECK(status_of(instance).at("serving") == 1);
}

TEST_CASE("after a reload that failed not all is well, until one succeeds") {
    Instance instance;
    instance.start();
    instance.config.command = {"/bin/false"};
    instance.write_config();
    CHECK(instance.reload().exit_code == 1);
    CHECK(check(instance) == 5);
    CHECK(check(instance, "--check=serving") == 0);
    instance.config.command = {"./worker"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(check(instance) == 0);
}

}  // namespace sup::test
