// Unix sockets: always at their path, whatever workers do when they stop.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"
#include "tests/integration/support/python_worker.h"

namespace sup::test {

namespace {

namespace fs = std::filesystem;

Config on_path(Config config = {}) {
    config.listen = {"unix:app.sock"};
    return config;
}

// Removes what it is told is its socket when it stops, as gunicorn does.
const std::string unlinking_server = python_worker + R"(
while not stopping:
    select.select([listener, waker], [], [])
    try:
        connection, _ = listener.accept()
    except BlockingIOError:
        continue
    with connection:
        connection.setblocking(True)
        connection.recv(65536)
        body = "hello world from pid:%d, ppid: %d, generation: %s, version: python\n" % (
            os.getpid(), os.getppid(), os.environ["SUP_GENERATION"])
        connection.sendall(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                            % (len(body), body)).encode())
try:
    os.unlink(listener.getsockname())
    print("removed it")
except FileNotFoundError:
    print("found nothing at " + listener.getsockname())
)";

// The identity of the file at a path; zeros when there is none.
std::pair<dev_t, ino_t> file_at(const fs::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino};
}

LoadReport reload_under_load(Instance& instance, const fs::path& path, int reloads) {
    const auto file = file_at(path);
    const int before = instance.status().active()->number;
    Load load(path, 8);
    REQUIRE(eventually([&] { return load.answered() > 0; }));
    for (int i = 0; i < reloads; ++i) {
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        REQUIRE(file_at(path) == file);
    }
    const int last = instance.wait_until_settled().active()->number;
    CHECK(last == before + reloads);
    CHECK(eventually([&] { return hello(path).generation == last; }));
    return load.stop();
}

}  // namespace

TEST_CASE("50 reloads under load on a unix socket lose no request, and its path is always there") {
    Instance instance{on_path()};
    instance.start();
    const fs::path path = instance.path("app.sock");
    CHECK(instance.status().addresses.at(0) == "unix:" + path.string());
    const LoadReport report = reload_under_load(instance, path, 50);
    INFO(report.text());
    CHECK(report.failures() == 0);
    CHECK(report.generations.size() > 10);
    REQUIRE(instance.stop().exit_code == 0);
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a worker that unlinks what getsockname tells takes nothing from its successors in 50 reloads") {
    if (python().empty()) return skip("python3 is not installed");
    Instance instance{on_path({.command = {python(), "-u", "server.py"}})};
    write_file(instance.path("server.py"), unlinking_server);
    instance.start();
    const LoadReport report = reload_under_load(instance, instance.path("app.sock"), 50);
    INFO(report.text());
    CHECK(report.failures() == 0);
    instance.wait_until_settled();
    CHECK(instance.log().find("found nothing at") != std::string::npos);
    CHECK(instance.log().find("removed it") == std::string::npos);
}

TEST_CASE("a keep-alive client on a unix socket is handed to the next generation") {
    Instance instance{on_path()};
    instance.start();
    HttpConnection client(instance.path("app.sock"));
    for (const int generation : {1, 2}) {
        client.send(request("/", true));
        Answer answer = client.receive();
        INFO(answer.error);
        REQUIRE(answer.ok());
        CHECK(parse_hello(answer.body)->generation == generation);
        CHECK(answer.headers["connection"] != "close");
        if (generation == 1) REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    }
}

TEST_CASE("the stale socket of a master that was killed is replaced, and a live one refused") {
    Instance instance{on_path()};
    instance.start();
    const fs::path path = instance.path("app.sock");
    Instance second{on_path({.name = "second"}), instance.sandbox()};
    const Outcome refused = second.try_start();
    CHECK(refused.exit_code == 1);
    INFO(refused.text());
    CHECK(refused.err.find(path.string() + " is in use by pid " + std::to_string(instance.master())) !=
          std::string::npos);

    ::kill(instance.master(), SIGKILL);
    CHECK(hello(path).generation == 1);
    REQUIRE(instance.stop().exit_code == 0);  // ends the orphans
    CHECK(fs::exists(path));
    instance.start();
    CHECK(hello(path).generation == 1);
}

TEST_CASE("a reload that fails leaves no new unix socket behind, and takes none away") {
    Instance instance{on_path()};
    instance.start();
    instance.config.listen = {"unix:app.sock", "unix:more.sock"};
    instance.config.command = {"./worker", "--fail-start"};
    instance.write_config();
    CHECK(instance.reload().exit_code == 1);
    CHECK_FALSE(fs::exists(instance.path("more.sock")));
    CHECK(hello(instance.path("app.sock")).generation == 1);
}

TEST_CASE("a reload adds and removes unix sockets, and who is in a removed one's queue is answered") {
    Instance instance{on_path({.count = 1})};
    instance.start();
    const fs::path app = instance.path("app.sock");
    const fs::path more = instance.path("more.sock");
    instance.config.listen = {"unix:app.sock", "unix:more.sock"};
    instance.write_config();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(more).generation == 2);

    // The only worker is stopped while clients queue up at what it will have to empty.
    const pid_t worker = instance.worker_pids().at(0);
    ::kill(worker, SIGSTOP);
    HttpConnection first(more);
    HttpConnection second(more);
    first.send(request("/"));
    second.send(request("/"));
    instance.config.listen = {"unix:app.sock"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    CHECK_FALSE(fs::exists(more));
    ::kill(worker, SIGCONT);
    CHECK(first.receive().ok());
    CHECK(second.receive().ok());
    // The old one may take a client more in the turn of its loop in which it continues.
    CHECK(eventually([&] { return hello(app).generation == 3; }));
    instance.wait_until_settled();
}

TEST_CASE("a stop takes the path away first, and answers who is in the queue") {
    Instance instance{on_path({.count = 1})};
    instance.start();
    const fs::path path = instance.path("app.sock");
    const pid_t worker = instance.worker_pids().at(0);
    ::kill(worker, SIGSTOP);
    HttpConnection client(path);
    client.send(request("/"));
    Child stopper(instance.sandbox()->command({"stop"}));
    CHECK(eventually([&] { return !fs::exists(path); }));
    ::kill(worker, SIGCONT);
    CHECK(client.receive().ok());
    CHECK(stopper.wait().exit_code == 0);
}

TEST_CASE("a path that somebody removed is told in the log and bound again by the next reload") {
    Instance instance{on_path()};
    instance.start();
    const fs::path path = instance.path("app.sock");
    fs::remove(path);
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(hello(path).generation == 2);
    fs::remove(path);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    CHECK(eventually([&] {
        return instance.log().find("has removed or replaced " + path.string()) != std::string::npos;
    }));
    instance.wait_until_settled();
}

TEST_CASE("the mode of a unix socket is as configured, and a reload changes it when it is promoted") {
    Instance instance{on_path({.listen_keys = R"({"mode": "0600"})"})};
    instance.start();
    const fs::path path = instance.path("app.sock");
    const auto mode = [&] {
        struct stat status {};
        return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
    };
    CHECK(mode() == 0600);
    const auto file = file_at(path);

    // One that fails when all of its workers serve changes nothing at any time.
    instance.config.listen_keys = R"({"mode": "0660"})";
    instance.config.soak = "10m";
    instance.write_config();
    Child failing(instance.sandbox()->command({"reload"}));
    const auto soaking = instance.wait_for("the soak", [](const auto& now) {
        return now.generation(2) != nullptr && now.generation(2)->state == "soaking";
    });
    CHECK(mode() == 0600);
    ::kill(soaking.generation(2)->workers.at(0).pid, SIGKILL);
    CHECK(failing.wait().exit_code == 1);
    instance.wait_until_settled();
    CHECK(mode() == 0600);

    instance.config.soak = "0s";
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(mode() == 0660);
    CHECK(file_at(path) == file);
}

TEST_CASE("an abstract unix socket is served over reloads") {
    Instance instance;
    const std::string name = "@sup-test-" + std::to_string(::getpid());
    instance.config.listen = {"unix:" + name};
    instance.write_config();
    instance.start();
    CHECK(instance.status().addresses.at(0) == "unix:" + name);
    const fs::path address = name;
    HttpConnection client(address);
    for (const int generation : {1, 2}) {
        CHECK(hello(address).generation == generation);
        client.send(request("/", true));
        const Answer answer = client.receive();
        INFO(answer.error);
        REQUIRE(answer.ok());
        CHECK(parse_hello(answer.body)->generation == generation);
        if (generation == 1) REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    }
    const LoadReport report = reload_under_load(instance, address, 5);
    INFO(report.text());
    CHECK(report.failures() == 0);
}

}  // namespace sup::test
