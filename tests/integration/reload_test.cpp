// Reloads that go well: asked for in every way, seen from the client's side.
#include <signal.h>

#include <algorithm>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

void swap_binary(const Instance& instance) {
    install_copy(hello_worker_v2(), instance.worker_path());
}

bool any_of(const std::vector<pid_t>& pids, pid_t pid) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

}  // namespace

TEST_CASE("after a swap of the binary and sup reload the next request is answered by the new one") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const Hello before = hello(port);
    CHECK(before.generation == 1);
    CHECK(before.parent == instance.master());
    CHECK(any_of(instance.worker_pids(), before.pid));

    swap_binary(instance);
    CHECK(hello(port).version == before.version);  // a file alone changes nothing

    const Outcome reloaded = instance.reload();
    INFO(reloaded.text());
    REQUIRE(reloaded.exit_code == 0);
    const Hello after = hello(port);
    CHECK(after.generation == 2);
    CHECK(after.version != before.version);
    CHECK(after.pid != before.pid);
    CHECK(after.parent == instance.master());
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].number == 2);
    REQUIRE(now.last_reload);
    CHECK(now.last_reload->generation == 2);
    CHECK(now.last_reload->outcome == "promoted");
}

TEST_CASE("SIGUSR2 and SIGHUP to the pid in the pid file reload") {
    const int signal_number = GENERATE(SIGUSR2, SIGHUP);
    Instance instance;
    instance.start();
    const std::string version = hello(instance.port()).version;
    swap_binary(instance);

    const pid_t pid = std::stoi(read_file(instance.folder() / "pid"));
    CHECK(pid == instance.master());
    REQUIRE(::kill(pid, signal_number) == 0);
    const InstanceStatus now = instance.wait_for(
        "generation 2", [](const auto& s) { return s.settled() && s.active()->number == 2; });
    CHECK(hello(port_of(now.addresses[0])).version != version);
}

TEST_CASE("a request under way completes from its own generation while the next one answers new ones") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    HttpConnection slow(port);
    slow.send(request("/sleep?ms=3000"));
    // The worker that took it cannot be told from outside; one answered request shows that the queue is
    // empty.
    CHECK(hello(port).generation == 1);

    REQUIRE(instance.reload().exit_code == 0);
    CHECK(hello(port).generation == 2);
    const Answer answer = slow.receive();
    INFO(answer.error);
    REQUIRE(answer.ok());
    const auto by = parse_hello(answer.body);
    REQUIRE(by);
    CHECK(by->generation == 1);
    CHECK(eventually([&] { return !proc::alive(by->pid); }));  // by itself: the drain timeout is a minute
    instance.wait_until_settled();
    CHECK(instance.log().find("SIGKILL") == std::string::npos);
}

TEST_CASE(
    "an idle keep-alive client gets its next answers after a reload on the same connection, by the new one") {
    Instance instance;
    instance.start();
    HttpConnection client(instance.port());
    client.send(request("/", true));
    REQUIRE(client.receive().ok());

    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    for (int i = 0; i < 3; ++i) {
        client.send(request("/", true));
        Answer answer = client.receive();
        INFO(answer.error);
        REQUIRE(answer.ok());
        CHECK(parse_hello(answer.body)->generation == 2);
        CHECK(answer.headers["connection"] != "close");
    }
}

TEST_CASE("no old worker is drained before every new one is ready") {
    Instance instance;
    instance.start();
    const auto old_pids = instance.worker_pids();
    // Slot 1 waits at a gate, slot 0 is ready at once.
    instance.config.command = {"./gated"};
    install_script("[ $SUP_SLOT = 0 ] || until [ -e open ]; do sleep 0.02; done\nexec ./worker",
                   instance.path("gated"));
    instance.write_config();
    Child asker(instance.sandbox()->command({"reload"}));
    instance.wait_for("one new worker ready", [](const InstanceStatus& now) {
        const auto* next = now.generation(2);
        return next != nullptr && next->workers.size() == 2 &&
               std::count_if(next->workers.begin(), next->workers.end(),
                             [](auto& w) { return w.state == "ready"; }) == 1;
    });
    const InstanceStatus now = instance.status();
    CHECK(now.state == "reloading");
    REQUIRE(now.active() != nullptr);
    CHECK(now.active()->number == 1);
    CHECK(now.active()->pids() == old_pids);
    CHECK(now.active()->all_ready());
    for (int i = 0; i < 20; ++i) CHECK(get(instance.port()).ok());
    CHECK(asker.running());

    write_file(instance.path("open"), "");
    CHECK(asker.wait().exit_code == 0);
    CHECK(instance.wait_until_settled().generations[0].number == 2);
}

TEST_CASE("both generations serve during the soak, then the new one is promoted") {
    Instance instance;
    instance.start();
    instance.config.soak = "2s";
    instance.write_config();
    const std::uint16_t port = instance.port();
    Child asker(instance.sandbox()->command({"reload"}));
    instance.wait_for("the soak", [](const auto& now) {
        const auto* next = now.generation(2);
        return next != nullptr && next->state == "soaking";
    });
    std::set<int> seen;
    eventually([&] {
        seen.insert(hello(port).generation);
        return seen.size() == 2 || !asker.running();
    });
    CHECK(seen == std::set<int>{1, 2});
    CHECK(asker.wait().exit_code == 0);
    CHECK(instance.wait_until_settled().generations[0].number == 2);
}

TEST_CASE("a reload takes new listeners, keeps a port that the kernel chose, and closes removed ones") {
    Instance instance;
    instance.start();
    const std::uint16_t first = instance.port();
    instance.config.listen = {"127.0.0.1:0", "[::1]:0", "127.0.0.1:0"};
    instance.write_config();
    const Outcome grown = instance.reload();
    INFO(grown.text());
    REQUIRE(grown.exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    REQUIRE(now.addresses.size() == 3);
    CHECK(port_of(now.addresses[0]) == first);
    const std::uint16_t third = port_of(now.addresses[2]);
    CHECK(get(first).ok());
    CHECK(get(third).ok());

    instance.config.listen = {"127.0.0.1:0"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    instance.wait_until_settled();
    CHECK(get(first).ok());
    CHECK(eventually([&] { return get(third).error == "connect: Connection refused"; }));
}

TEST_CASE("a reload waits while max_draining generations drain, and goes on when one is gone") {
    Instance instance{{.count = 1, .max_draining = 1}};
    instance.start();
    const std::uint16_t port = instance.port();
    // A request that ends when the test says so.
    HttpConnection open(port);
    open.send("POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    CHECK(hello(port).generation == 1);
    REQUIRE(instance.reload().exit_code == 0);

    Child asker(instance.sandbox()->command({"reload"}));
    CHECK(eventually([&] { return instance.log().find("max_draining") != std::string::npos; }));
    InstanceStatus now = instance.status();
    CHECK(now.generation(3) == nullptr);
    CHECK(now.generation(1) != nullptr);
    CHECK(hello(port).generation == 2);
    CHECK(asker.running());

    open.send("cd");
    CHECK(open.receive().body == "abcd");
    CHECK(asker.wait().exit_code == 0);
    CHECK(hello(port).generation == 3);
    instance.wait_until_settled();
}

TEST_CASE("sup reload --drained returns when the old generation is gone") {
    Instance instance{{.count = 1}};
    instance.start();
    const auto old_pids = instance.worker_pids();
    HttpConnection open(instance.port());
    open.send("POST /echo HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: 4\r\n\r\nab");
    CHECK(hello(instance.port()).generation == 1);
    Child asker(instance.sandbox()->command({"reload", "--drained"}));
    instance.wait_for("generation 2", [](const auto& s) { return s.active() && s.active()->number == 2; });
    CHECK(asker.running());
    open.send("cd");
    CHECK(open.receive().body == "abcd");
    CHECK(asker.wait().exit_code == 0);
    CHECK(!proc::alive(old_pids.at(0)));
}

TEST_CASE("sup reload --json tells the outcome") {
    Instance instance;
    instance.start();
    const Outcome good = instance.reload({"--json"});
    REQUIRE(good.exit_code == 0);
    const ReloadReport report = parse_reload_report(good.out);
    CHECK(report.generation == 2);
    CHECK(report.outcome == "promoted");

    install_script("echo the last words >&2\nexit 3", instance.worker_path());
    const Outcome bad = instance.reload({"--json"});
    CHECK(bad.exit_code == 1);
    const ReloadReport failure = parse_reload_report(bad.out);
    CHECK(failure.generation == 3);
    CHECK(failure.outcome == "failed");
    CHECK(failure.reason != "");
    CHECK(std::find(failure.worker_output.begin(), failure.worker_output.end(), "the last words") !=
          failure.worker_output.end());
}

}  // namespace sup::test
