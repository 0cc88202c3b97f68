// reload.strategy "rolling": slot by slot, never fewer than count ready, and back again when it fails.
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <set>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/ledger.h"
#include "tests/integration/support/load.h"

namespace sup::test {

namespace {

Config rolling(int count, int max_surge = 1) {
    return {.count = count, .strategy = "rolling", .max_surge = max_surge};
}

// From now on workers of the slots before `slot` are good; the others wait for the file "open", and then do
// `then`.
void gate_at(Instance& instance, int slot, const std::string& then) {
    install_script("[ $SUP_SLOT -lt " + std::to_string(slot) +
                       " ] && exec ./worker\nuntil [ -e open ]; do sleep 0.02; done\n" + then,
                   instance.path("gated"));
    instance.config.command = {"./gated"};
    instance.write_config();
}

void open_gate(const Instance& instance) {
    write_file(instance.path("open"), "");
}

int ready(const InstanceStatus& now, int generation) {
    const GenerationStatus* found = now.generation(generation);
    if (found == nullptr) return 0;
    return static_cast<int>(std::ranges::count(found->workers, "ready", &WorkerStatus::state));
}

// The reload stands still: `replaced` slots are served by generation 2, their predecessors are gone.
InstanceStatus wait_at_gate(const Instance& instance, int count, int replaced) {
    return instance.wait_for("a reload that is midway", [&](const InstanceStatus& now) {
        const GenerationStatus* old = now.generation(1);
        return ready(now, 2) == replaced && old != nullptr && ready(now, 1) == count - replaced &&
               static_cast<int>(old->workers.size()) == count - replaced;
    });
}

pid_t pid_of_slot(const InstanceStatus& now, int generation, int slot) {
    const auto& workers = now.generation(generation)->workers;
    const auto found = std::ranges::find(workers, slot, &WorkerStatus::slot);
    REQUIRE(found != workers.end());
    return found->pid;
}

// All workers of the old executable again, whatever lies at its path.
void check_restored(const Instance& instance, int count) {
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].number == 1);
    CHECK(static_cast<int>(now.generations[0].workers.size()) == count);
    REQUIRE(now.last_reload);
    CHECK(now.last_reload->outcome == "failed");
    for (const auto& worker : now.generations[0].workers) {
        const auto executable = std::filesystem::read_symlink("/proc/" + std::to_string(worker.pid) + "/exe");
        INFO("worker " << worker.slot << " runs " << executable);
        CHECK(executable.string().ends_with("/worker (deleted)"));
    }
}

}  // namespace

TEST_CASE("a rolling reload of 8 workers has 8 ready at any moment, and no more than max_surge beyond") {
    const int surge = GENERATE(1, 3);
    Instance instance{rolling(8, surge)};
    instance.start();
    Load load(instance.port(), 8);
    for (int generation = 2; generation <= 4; ++generation) {
        Ledger ledger(instance);
        install_copy(generation % 2 == 0 ? hello_worker_v2() : hello_worker(), instance.worker_path());
        const Outcome reloaded = instance.reload();
        INFO(reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        ledger.until(generation, "active");
        INFO(ledger.text());
        CHECK(ledger.least_ready() >= 8);
        CHECK(ledger.most_processes() <= 8 + surge);
        CHECK(ledger.most_processes() > 8);
        instance.wait_until_settled();
    }
    const LoadReport report = load.stop();
    std::cout << report.text() << std::endl;
    INFO(report.text());
    CHECK(report.failures() == 0);
    CHECK(report.generations.contains(4));
    CHECK(report.versions.size() == 2);
}

TEST_CASE("a rolling reload that fails midway restores all 8 workers from the old executable") {
    Instance instance{rolling(8)};
    instance.start();
    const std::string old_version = hello(instance.port()).version;
    Ledger ledger(instance);
    Load load(instance.port(), 4);
    install_copy(hello_worker_v2(), instance.worker_path());
    gate_at(instance, 4, "echo no table called carts\nexit 3");
    open_gate(instance);
    const Outcome told = instance.reload();
    INFO(told.text());
    CHECK(told.exit_code == 1);
    CHECK(told.err.find("worker 4 of generation 2") != std::string::npos);
    CHECK(told.err.find("no table called carts") != std::string::npos);
    CHECK(told.err.find("generation 1 takes back the 4 slots") != std::string::npos);
    ledger.until(2, "gone");
    check_restored(instance, 8);
    INFO(ledger.text());
    CHECK(ledger.least_ready() >= 8);
    CHECK(ledger.most_processes() <= 9);
    const LoadReport report = load.stop();
    INFO(report.text());
    CHECK(report.failures() == 0);
    CHECK(hello(instance.port()).version == old_version);
}

TEST_CASE(
    "what moved in a rolling reload that failed is counted, and what it gives back is told of it alone") {
    Instance instance{rolling(2)};
    install_script("until [ ! -e shut ]; do sleep 0.02; done\nexec ./worker", instance.path("old"));
    instance.config.command = {"./old"};
    instance.write_config();
    instance.start();
    std::vector<HttpConnection> clients;
    for (int i = 0; i < 30; ++i) {
        clients.emplace_back(instance.port());
        clients.back().send(request("/", true));
        REQUIRE(clients.back().receive().ok());
    }
    gate_at(instance, 1, "exit 3");
    open_gate(instance);
    CHECK(instance.reload().exit_code == 1);
    CHECK(instance.wait_until_settled().last_reload->handed_over > 0);

    write_file(instance.path("shut"), "");  // what is given back does not come back yet
    const Outcome failed = instance.reload();
    CHECK(failed.exit_code == 1);
    CHECK(failed.err.find("generation 1 takes back the 1 slot") != std::string::npos);
    write_file(instance.config_path(), "{");
    const Outcome invalid = instance.reload();
    INFO(invalid.text());
    CHECK(invalid.exit_code == 2);
    CHECK(invalid.err.find("takes back") == std::string::npos);
    std::filesystem::remove(instance.path("shut"));
    instance.wait_until_settled();
    for (auto& client : clients) {
        client.send(request("/", true));
        CHECK(client.receive().ok());
    }
}

TEST_CASE("a new worker that dies midway, having served, ends the rolling reload, and its slot is filled") {
    Instance instance{rolling(4)};
    instance.start();
    install_copy(hello_worker_v2(), instance.worker_path());
    gate_at(instance, 2, "exec ./worker");
    Child asker(instance.sandbox()->command({"reload"}));
    const InstanceStatus midway = wait_at_gate(instance, 4, 2);
    ::kill(pid_of_slot(midway, 2, 0), SIGKILL);
    const Outcome told = asker.wait();
    INFO(told.text());
    CHECK(told.exit_code == 1);
    CHECK(told.err.find("before all workers were replaced") != std::string::npos);
    check_restored(instance, 4);
}

TEST_CASE("an old worker that dies midway comes back as its own generation, and is replaced in its turn") {
    Instance instance{rolling(4)};
    instance.start();
    gate_at(instance, 1, "exec ./worker");
    Child asker(instance.sandbox()->command({"reload"}));
    const pid_t victim = pid_of_slot(wait_at_gate(instance, 4, 1), 1, 3);
    ::kill(victim, SIGKILL);
    instance.wait_for("the old worker's return", [victim](const InstanceStatus& now) {
        const auto pids = now.generation(1)->pids();
        return ready(now, 1) == 3 && std::ranges::find(pids, victim) == pids.end();
    });
    open_gate(instance);
    CHECK(asker.wait().exit_code == 0);
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].number == 2);
    CHECK(ready(now, 2) == 4);
}

TEST_CASE("a stop in the middle of a rolling reload drains both generations, and its asker is told") {
    Instance instance{rolling(4)};
    instance.start();
    gate_at(instance, 2, "exec ./worker");
    Child asker(instance.sandbox()->command({"reload"}));
    wait_at_gate(instance, 4, 2);
    const Outcome stopped = instance.stop();
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    const Outcome told = asker.wait();
    CHECK(told.exit_code == 1);
    CHECK(told.err.find("stopping") != std::string::npos);
    CHECK(instance.sandbox()->processes().empty());
}

TEST_CASE("reloads asked for in the middle of a rolling one become one that follows it") {
    Instance instance{rolling(2)};
    instance.start();
    gate_at(instance, 1, "exec ./worker");
    Child first(instance.sandbox()->command({"reload", "--json"}));
    wait_at_gate(instance, 2, 1);
    std::vector<ControlClient> askers;
    for (int i = 0; i < 5; ++i) {
        askers.emplace_back(instance.folder() / "control.sock");
        REQUIRE(askers.back().request(
            R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":"promoted"}})"));
    }
    instance.status();  // the master answers this after it has seen all of the above
    open_gate(instance);
    CHECK(parse_reload_report(first.wait().out).generation == 2);
    for (auto& asker : askers) {
        const ReloadResponse response = parse_reload_response(asker.response());
        CHECK(response.generation == 3);
        CHECK(response.outcome == "promoted");
    }
    CHECK(instance.wait_until_settled().generations[0].number == 3);
}

TEST_CASE("a rolling reload to another count stays between the two") {
    const int count = GENERATE(4, 12);
    Instance instance{rolling(8)};
    instance.start();
    Ledger ledger(instance);
    instance.config.count = count;
    instance.write_config();
    const Outcome reloaded = instance.reload({"--drained"});
    INFO(reloaded.text());
    REQUIRE(reloaded.exit_code == 0);
    CHECK(reloaded.text().find("draining 8 workers") == std::string::npos);  // most have gone before
    ledger.until(1, "gone");
    INFO(ledger.text());
    CHECK(ledger.least_ready() >= std::min(8, count));
    CHECK(ledger.most_processes() <= std::max(8, count) + 1);
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(static_cast<int>(now.generations[0].workers.size()) == count);
}

TEST_CASE("idle connections move to the new generation slot by slot, and their clients notice nothing") {
    Instance instance{rolling(4)};
    instance.start();
    const std::uint16_t port = instance.port();
    std::vector<HttpConnection> clients;
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(port);
        clients.back().send(request("/", true));
        REQUIRE(clients.back().receive().ok());
    }
    gate_at(instance, 2, "exec ./worker");
    Child asker(instance.sandbox()->command({"reload"}));
    wait_at_gate(instance, 4, 2);
    const auto ask_all = [&] {
        std::set<int> generations;
        for (auto& client : clients) {
            client.send(request("/", true));
            const Answer answer = client.receive();
            INFO(answer.error);
            CHECK(answer.ok());
            if (const auto by = parse_hello(answer.body)) generations.insert(by->generation);
        }
        return generations;
    };
    ask_all();
    open_gate(instance);
    CHECK(asker.wait().exit_code == 0);
    instance.wait_until_settled();
    CHECK(ask_all() == std::set<int>{2});
}

TEST_CASE("connections come back when a rolling reload fails after the last that took them was replaced") {
    Instance instance{rolling(2)};
    // Only the worker of slot 0 speaks the channel.
    install_script("[ $SUP_SLOT = 1 ] && unset SUP_INSTANCE\nexec ./worker", instance.path("half"));
    instance.config.command = {"./half"};
    instance.write_config();
    instance.start();
    const pid_t deaf = pid_of_slot(instance.status(), 1, 1);
    REQUIRE(::kill(deaf, SIGSTOP) == 0);
    REQUIRE(eventually([&] { return proc::stat(deaf)->state == 'T'; }));
    std::vector<HttpConnection> clients;
    for (int i = 0; i < 20; ++i) {
        clients.emplace_back(instance.port());
        clients.back().send(request("/", true));
        REQUIRE(clients.back().receive().ok());
    }
    REQUIRE(::kill(deaf, SIGCONT) == 0);
    gate_at(instance, 1, "exit 3");
    Child asker(instance.sandbox()->command({"reload"}));
    wait_at_gate(instance, 2, 1);  // with generation 2 now, which is about to fail
    open_gate(instance);
    CHECK(asker.wait().exit_code == 1);
    instance.wait_until_settled();
    for (HttpConnection& client : clients) {
        client.send(request("/", true));
        const Answer answer = client.receive();
        INFO(answer.error);
        REQUIRE(answer.ok());
        CHECK(parse_hello(answer.body)->generation == 1);
        CHECK_FALSE(answer.headers.contains("connection"));
    }
}

TEST_CASE(
    "in a rolling reload old listeners serve until the end, and new ones from the first new worker on") {
    Instance instance{rolling(2)};
    instance.config.listen_keys = GENERATE("{}", R"({"reuseport": true})");
    instance.config.listen = {"127.0.0.1:0", "127.0.0.1:0"};
    instance.write_config();
    instance.start();
    const std::uint16_t leaving = instance.port(1);
    Squatter free_port;
    const std::string added = free_port.address();
    { const Squatter gone = std::move(free_port); }
    instance.config.listen = {"127.0.0.1:0", added};
    gate_at(instance, 1, "exec ./worker");
    Child asker(instance.sandbox()->command({"reload"}));
    wait_at_gate(instance, 2, 1);
    for (int client = 0; client < 20; ++client) {  // wherever the kernel sends them
        CHECK(hello(leaving).generation == 1);
        CHECK(hello(port_of(added)).generation == 2);
    }
    open_gate(instance);
    CHECK(asker.wait().exit_code == 0);
    instance.wait_until_settled();
    CHECK(hello(leaving).generation == 0);
    CHECK(hello(port_of(added)).generation == 2);
}

TEST_CASE("who waits at a removed listener whose last worker has crashed is counted when it closes") {
    Instance instance{{.count = 1}};
    instance.config.strategy = GENERATE("replace", "rolling");
    instance.config.listen = {"127.0.0.1:0", "127.0.0.1:0"};
    instance.config.backoff_min = instance.config.backoff_max = "60s";
    install_script("[ -e broken ] && exit 1\nexec ./worker", instance.path("breaks"));
    instance.config.command = {"./breaks"};
    instance.write_config();
    instance.start();
    write_file(instance.path("broken"), "");
    const pid_t victim = instance.worker_pids().front();
    ::kill(victim, SIGKILL);
    instance.wait_for("a restart that is delayed", [](const InstanceStatus& now) { return now.degraded; });
    HttpConnection client(instance.port(1));
    client.send(request("/"));
    instance.config.listen = {"127.0.0.1:0"};
    instance.config.command = {"./worker"};
    instance.write_config();
    CHECK(instance.reload({"--drained"}).exit_code == 0);
    CHECK(instance.log().find("1 connection that no worker of generation 1 has accepted is reset") !=
          std::string::npos);
    CHECK_FALSE(client.receive().ok());
}

}  // namespace sup::test
