// A reload closes no connection: clients use the same sockets from the first generation to the last.
#include <sys/resource.h>

#include <cstdlib>
#include <iostream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/kept_clients.h"

namespace sup::test {

namespace {

struct Way {
    const char* name;
    const char* think;
    unsigned body;
};

constexpr std::array ways{Way{"GET, back to back", "0ms", 0},   Way{"GET, every 5 ms", "5ms", 0},
                          Way{"GET, every 50 ms", "50ms", 0},   Way{"POST, back to back", "0ms", 3000},
                          Way{"POST, every 5 ms", "5ms", 3000}, Way{"POST, every 50 ms", "50ms", 3000}};

// 200 reloads in all; SUP_TEST_RELOADS=200 makes it that many for each way.
int reloads_for_each_way() {
    if (const char* wanted = std::getenv("SUP_TEST_RELOADS")) return std::max(1, std::atoi(wanted));
    const int in_all = sanitized ? 30 : 200;
    return (in_all + static_cast<int>(ways.size()) - 1) / static_cast<int>(ways.size());
}

void wait_until_it_has(const Instance& instance, unsigned clients) {
    instance.wait_for("all clients connected",
                      [&](const InstanceStatus& now) { return now.active()->connections() == clients; });
}

// As many as the descriptors of one process allow, for one worker might hold them all.
unsigned idle_clients() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (sanitized) return 1000;
    return limit.rlim_max >= 10'500 ? 10'000 : 5'000;
}

std::string post(const std::string& body) {
    return "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

}  // namespace

TEST_CASE("over reloads in a row 64 clients keep their 64 connections, and no request fails") {
    const Way way = ways.at(static_cast<std::size_t>(GENERATE(range(0, static_cast<int>(ways.size())))));
    const int reloads = reloads_for_each_way();
    Instance instance;
    instance.start();
    KeptClients clients(instance.port(), {.clients = 64, .think = way.think, .body = way.body});
    wait_until_it_has(instance, 64);
    for (int i = 0; i < reloads; ++i) {
        const Outcome reloaded = instance.reload({"--drained"});
        INFO("reload " << i << ": " << reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
    }
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].number == reloads + 1);
    CHECK(now.generations[0].connections() == 64);
    const KeptReport report = clients.stop();
    std::cout << way.name << ", " << reloads << " reloads: " << report.text << std::endl;
    INFO(report.text);
    CHECK(report.all_kept(64));
}

TEST_CASE("a reload closes none of thousands of idle connections, and the old workers leave at once") {
    const unsigned count = idle_clients();
    Instance instance;
    instance.start();
    KeptClients clients(instance.port(), {.clients = count, .idle = true});
    REQUIRE(eventually([&] { return clients.established() || !clients.running(); }));
    wait_until_it_has(instance, count);
    const auto old_pids = instance.worker_pids();

    const auto begun = std::chrono::steady_clock::now();
    const Outcome reloaded = instance.reload({"--drained", "--json"});
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    INFO(reloaded.text());
    REQUIRE(reloaded.exit_code == 0);
    // By themselves: nothing was killed or closed at a deadline, and drain.timeout is a minute.
    CHECK(taken < std::chrono::seconds(30));
    const ReloadReport outcome = parse_reload_report(reloaded.out);
    CHECK(outcome.handed_over == count);
    CHECK(outcome.drained == 0);
    CHECK(outcome.closed == 0);
    for (const pid_t pid : old_pids) CHECK(!proc::alive(pid));
    wait_until_it_has(instance, count);

    // Nobody but generation 2 is there to answer.
    const KeptReport report = clients.ask_again();
    std::cout << count << " idle connections, the old generation gone after " << taken.count()
              << " s: " << report.text << std::endl;
    INFO(report.text);
    CHECK(report.all_kept(count));
    CHECK(report.answered == 2 * count);
}

TEST_CASE("pipelined requests split at every byte across a reload come back whole, in order, once each") {
    const std::string all = request("/", true) + post("some body") + request("/healthz", true) + post("more");
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    std::vector<HttpConnection> connections;
    for (std::size_t split = 0; split <= all.size(); ++split) {
        connections.emplace_back(port);
        connections.back().send(all.substr(0, split));
    }
    wait_until_it_has(instance, static_cast<unsigned>(connections.size()));
    REQUIRE(instance.reload().exit_code == 0);
    for (std::size_t split = 0; split <= all.size(); ++split) connections[split].send(all.substr(split));
    for (std::size_t split = 0; split <= all.size(); ++split) {
        HttpConnection& connection = connections[split];
        CAPTURE(split);
        CHECK(parse_hello(connection.receive().body));
        CHECK(connection.receive().body == "some body");
        CHECK(connection.receive().body == "ok\n");
        CHECK(connection.receive().body == "more");
        connection.send(request("/", true));
        const auto last = parse_hello(connection.receive().body);
        CHECK(connection.error() == "");
        REQUIRE(last);
        CHECK(last->generation == 2);
    }
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.last_reload->drained == 0);
    CHECK(now.last_reload->handed_over == connections.size());
}

}  // namespace sup::test
