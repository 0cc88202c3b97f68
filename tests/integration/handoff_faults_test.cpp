// What goes wrong while connections change hands, one fault at a time. Processes are stopped where they would
// be too fast to be caught in the middle.
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

void freeze(const std::vector<pid_t>& pids) {
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    for (const pid_t pid : pids) {
        REQUIRE(eventually([&] { return proc::stat(pid) && proc::stat(pid)->state == 'T'; }));
    }
}

void thaw(const std::vector<pid_t>& pids) {
    for (const pid_t pid : pids) ::kill(pid, SIGCONT);
}

void kill_all(const std::vector<pid_t>& pids) {
    for (const pid_t pid : pids) ::kill(pid, SIGKILL);
}

bool all_gone(const std::vector<pid_t>& pids) {
    return eventually([&] { return std::none_of(pids.begin(), pids.end(), proc::alive); });
}

using Clients = std::vector<HttpConnection>;

// Each has had an answer.
Clients connect(std::uint16_t port, int count) {
    Clients clients;
    for (int i = 0; i < count; ++i) {
        clients.emplace_back(port);
        clients.back().send(request("/", true));
        REQUIRE(clients.back().receive().ok());
    }
    return clients;
}

// That generation answers on the same connection, which goes on.
void check_answered_by(Clients& clients, int generation) {
    for (HttpConnection& client : clients) client.send(request("/", true));
    for (HttpConnection& client : clients) {
        const Answer answer = client.receive();
        CHECK(answer.error == "");
        const auto hello = parse_hello(answer.body);
        REQUIRE(hello);
        CHECK(hello->generation == generation);
        CHECK(!answer.headers.contains("connection"));
    }
}

// An instance with idle clients in the middle of a handoff: generation 1 was told to drain and has not moved
// yet, generation 2 is active and stands still, too.
struct Midway {
    explicit Midway(int count, Config config = {}) : instance(std::move(config)) {
        // When the master dies the kernel hangs up on process groups with stopped members, and continues them
        // (_exit(2)). A SIGCONT of ours then meets workers that end already: LeakSanitizer, which traces the
        // process at its end, would wait for ever.
        install_script("trap '' HUP\nASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec ./worker",
                       instance.path("deaf-to-hangup"));
        instance.start();
        clients = connect(instance.port(), count);
        first = instance.worker_pids();
        freeze(first);
        REQUIRE(instance.reload().exit_code == 0);
        second = instance.worker_pids();
        freeze(second);
    }
    // Everything is in the second's inbox then.
    void let_first_hand_over() {
        thaw(first);
        REQUIRE(all_gone(first));
    }

    Instance instance;
    Clients clients;
    std::vector<pid_t> first, second;
};

// What servers at that port have not read yet (proc_pid_net(5)).
std::uint64_t unread_at(std::uint16_t port) {
    std::ifstream table("/proc/net/tcp");
    std::uint64_t unread = 0;
    std::string number, local, remote, state, queues, rest;
    std::getline(table, rest);
    while (table >> number >> local >> remote >> state >> queues && std::getline(table, rest)) {
        constexpr const char* established = "01";
        if (state != established || std::stoul(local.substr(local.find(':') + 1), nullptr, 16) != port)
            continue;
        unread += std::stoul(queues.substr(queues.find(':') + 1), nullptr, 16);
    }
    return unread;
}

// Its worker has connections, and cannot hand them over for want of room.
void wait_until_stuck(const Instance& instance, int generation) {
    std::optional<std::uint64_t> left;
    int unchanged = 0;
    REQUIRE(eventually([&] {
        const auto now = instance.status().generation(generation)->workers.at(0).connections;
        unchanged = now == left ? unchanged + 1 : 0;
        left = now;
        return unchanged == 10;
    }));
    REQUIRE(left > 0U);
}

}  // namespace

TEST_CASE("connections wait in the inbox for receivers that are stuck, though the senders have gone") {
    Midway midway(50);
    midway.let_first_hand_over();
    thaw(midway.second);
    check_answered_by(midway.clients, 2);
    CHECK(midway.instance.wait_until_settled().last_reload->handed_over == 50);
}

TEST_CASE("receivers that are killed before they have taken a connection lose none") {
    Midway midway(50);
    midway.let_first_hand_over();
    kill_all(midway.second);
    check_answered_by(midway.clients, 2);
    const InstanceStatus now = midway.instance.wait_until_settled();
    for (const auto& worker : now.generations[0].workers) CHECK(worker.restarts == 1);
}

TEST_CASE("a sender that is killed midway loses its own connections, and nobody else any") {
    Midway midway(50);
    const InstanceStatus before = midway.instance.status();
    const auto& victim = before.generation(1)->workers.at(0);
    REQUIRE(victim.connections);
    ::kill(victim.pid, SIGKILL);
    midway.let_first_hand_over();
    thaw(midway.second);
    std::uint64_t lost = 0;
    for (HttpConnection& client : midway.clients) {
        client.send(request("/", true));
        if (!client.receive().ok()) ++lost;
    }
    CHECK(lost == *victim.connections);
    midway.instance.wait_until_settled();
}

TEST_CASE("a reload during a handoff passes on what is on its way") {
    Midway midway(50);
    SECTION("in the inbox") {
        midway.let_first_hand_over();
    }
    SECTION("or still with the senders") {}
    REQUIRE(midway.instance.reload().exit_code == 0);
    thaw(midway.second);
    REQUIRE(all_gone(midway.second));
    thaw(midway.first);
    midway.instance.wait_until_settled();
    check_answered_by(midway.clients, 3);
}

TEST_CASE("a failed reload during a handoff changes nothing") {
    Midway midway(20);
    midway.instance.config.command = {"./worker", "--fail-start"};
    midway.instance.write_config();
    CHECK(midway.instance.reload().exit_code == 1);
    midway.let_first_hand_over();
    thaw(midway.second);
    check_answered_by(midway.clients, 2);
}

TEST_CASE("a stop during a handoff answers what was asked, and ends every connection in order") {
    Midway midway(20);
    SECTION("while connections are in the inbox") {
        midway.let_first_hand_over();
    }
    SECTION("while the senders have them") {}
    for (std::size_t i = 0; i < 10; ++i) midway.clients[i].send(request("/", true));
    Child stop(midway.instance.sandbox()->command({"stop", midway.instance.config.name}));
    midway.instance.wait_for("the stop", [](const InstanceStatus& now) { return now.state == "stopping"; });
    thaw(midway.first);
    thaw(midway.second);
    for (std::size_t i = 0; i < midway.clients.size(); ++i) {
        CAPTURE(i);
        if (i < 10) CHECK(midway.clients[i].receive().ok());
        CHECK(midway.clients[i].ends_in_order());
    }
    CHECK(stop.wait().exit_code == 0);
}

TEST_CASE("clients that go while their connections are on their way leave nothing behind") {
    Midway midway(30);
    midway.let_first_hand_over();
    midway.clients.erase(midway.clients.begin(), midway.clients.begin() + 10);
    thaw(midway.second);
    check_answered_by(midway.clients, 2);
    midway.instance.wait_for("twenty connections",
                             [](const InstanceStatus& now) { return now.active()->connections() == 20; });
}

TEST_CASE("a master that is killed in the middle of a handoff takes no connection with it") {
    Midway midway(30, {.command = {"./deaf-to-hangup"}});
    SECTION("while connections are in the inbox") {
        midway.let_first_hand_over();
    }
    SECTION("while the senders have them") {}
    REQUIRE(::kill(midway.instance.master(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return !proc::alive(midway.instance.master()); }));
    thaw(midway.first);
    thaw(midway.second);
    REQUIRE(all_gone(midway.first));
    check_answered_by(midway.clients, 2);
    midway.clients.clear();
    CHECK(midway.instance.stop().exit_code == 0);
}

TEST_CASE("a receiver that runs out of descriptors leaves connections in the inbox until it has some") {
    Instance instance;
    constexpr rlim_t few = 96;
    Launch start = instance.sandbox()->command({"start", instance.config_path().string()});
    start.in_child = [] {
        const rlimit limit{few, few};
        ::setrlimit(RLIMIT_NOFILE, &limit);
    };
    const Outcome started = run(start);
    INFO(started.text());
    REQUIRE(started.exit_code == 0);
    instance.set_master(instance.status().pid);
    Clients clients = connect(instance.port(), few + 20);
    instance.config.count = 1;  // which cannot have them all
    instance.write_config();
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    CHECK(eventually([&] { return instance.log().find("Too many open files") != std::string::npos; }));
    for (HttpConnection& client : clients) client.send(request("/", true));
    // Whoever is answered makes room for another.
    std::size_t answered = 0;
    while (!clients.empty()) {
        const auto ready = [](HttpConnection& client) { return client.readable(); };
        auto next = clients.end();
        REQUIRE(eventually([&] {
            next = std::find_if(clients.begin(), clients.end(), ready);
            return next != clients.end();
        }));
        const auto hello = parse_hello(next->receive().body);
        CHECK(next->error() == "");
        if (hello && hello->generation == 2) ++answered;
        clients.erase(next);
    }
    CHECK(answered == few + 20);
}

TEST_CASE("connections of a listener that the new configuration does not have end politely, others move") {
    Instance instance{{.listen = {"127.0.0.1:0", "127.0.0.1:0"}}};
    instance.start();
    Clients staying = connect(instance.port(0), 10);
    Clients leaving = connect(instance.port(1), 10);
    instance.config.listen = {"127.0.0.1:0"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    check_answered_by(staying, 2);
    for (HttpConnection& client : leaving) {
        client.send(request("/", true));
        const Answer answer = client.receive();
        CHECK(parse_hello(answer.body)->generation == 1);
        CHECK(answer.headers.at("connection") == "close");
        CHECK(client.ends_in_order());
    }
    const ReloadReport reload = *instance.wait_until_settled().last_reload;
    CHECK(reload.handed_over == 10);
    CHECK(reload.drained == 10);
    CHECK(reload.closed == 0);
}

TEST_CASE("a worker that crashes and comes back as its own generation takes from its inbox again") {
    Instance instance;
    instance.config.count = 1;
    instance.write_config();
    instance.start();
    Clients clients = connect(instance.port(), 20);
    const auto first = instance.worker_pids();
    freeze(first);
    REQUIRE(instance.reload().exit_code == 0);
    ::kill(instance.worker_pids().at(0), SIGKILL);
    thaw(first);  // perhaps before there is a receiver again
    REQUIRE(all_gone(first));
    check_answered_by(clients, 2);
    CHECK(instance.wait_until_settled().last_reload->handed_over == 20);
}

// Each has sent most of a head, which makes its packet so large that an inbox has room for some hundred.
TEST_CASE("what waits for room in an inbox goes on to the next one when that inbox closes") {
    constexpr int many = 600;
    Config config;
    config.count = 1;
    Instance instance(config);
    instance.start();
    Clients clients = connect(instance.port(), many);
    for (HttpConnection& client : clients)
        client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + std::string(60'000, 'x'));
    REQUIRE(eventually([&] { return unread_at(instance.port()) == 0; }));
    const auto first = instance.worker_pids();
    freeze(first);
    REQUIRE(instance.reload().exit_code == 0);
    const auto second = instance.worker_pids();
    freeze(second);
    thaw(first);
    wait_until_stuck(instance, 1);  // the second's inbox is full
    freeze(first);
    REQUIRE(instance.reload().exit_code == 0);
    const auto third = instance.worker_pids();
    freeze(third);
    thaw(first);
    wait_until_stuck(instance, 1);  // and the third's, so that what is in the second's has to wait
    kill_all(second);
    REQUIRE(all_gone(second));
    REQUIRE(instance.reload().exit_code == 0);
    thaw(third);
    instance.wait_until_settled();
    for (HttpConnection& client : clients) client.send("\r\n\r\n");
    for (HttpConnection& client : clients) {
        const Answer answer = client.receive();
        REQUIRE(answer.error == "");
        const auto hello = parse_hello(answer.body);
        REQUIRE(hello);
        CHECK(hello->generation == 4);
    }
}

}  // namespace sup::test
