// Promise 6: every request has exactly one honest outcome.
#include <signal.h>

#include "tests/catch.h"
#include "tests/integration/support/control.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

const char* const reload_request =
    R"({"jsonrpc":"2.0","id":1,"method":"reload","params":{"wait":"promoted"}})";

// A worker that waits for the file "open", then does `then`.
void install_gated(const Instance& instance, const std::string& then) {
    install_script("until [ -e open ]; do sleep 0.02; done\n" + then, instance.path("gated"));
}

// Asks for 50 reloads while generation 2 starts, each on a connection of its own.
std::vector<ControlClient> ask_fifty_times(const Instance& instance) {
    std::vector<ControlClient> askers;
    for (int i = 0; i < 50; ++i) {
        askers.emplace_back(instance.folder() / "control.sock");
        REQUIRE(askers.back().request(reload_request));
    }
    instance.status();  // the master answers this after it has seen all of the above
    return askers;
}

}  // namespace

TEST_CASE(
    "reloads asked for while one starts become one that runs after it, and every asker is told its own") {
    const bool first_fails = GENERATE(false, true);
    INFO("the reload under way " << (first_fails ? "fails" : "succeeds"));
    Instance instance;
    instance.start();
    install_gated(instance, first_fails ? "exit 5" : "exec ./worker");
    instance.config.command = {"./gated"};
    instance.write_config();
    Child first(instance.sandbox()->command({"reload", "--json"}));
    instance.wait_for("generation 2 starting", [](const auto& now) { return now.generation(2) != nullptr; });
    auto askers = ask_fifty_times(instance);
    // What the coalesced reload will find: a good worker.
    instance.config.command = {"./worker"};
    instance.write_config();
    CHECK(first.running());
    write_file(instance.path("open"), "");

    const Outcome told = first.wait();
    INFO(told.text());
    CHECK(told.exit_code == (first_fails ? 1 : 0));
    CHECK(parse_reload_report(told.out).generation == 2);
    CHECK(parse_reload_report(told.out).outcome == (first_fails ? "failed" : "promoted"));
    for (auto& asker : askers) {
        const std::string line = asker.response();
        INFO(line);
        const ReloadResponse response = parse_reload_response(line);
        CHECK(response.generation == 3);
        CHECK(response.outcome == "promoted");
    }
    const InstanceStatus now = instance.wait_until_settled();
    CHECK(now.generations[0].number == 3);
    // None is left over: the next number is the next reload's.
    CHECK(parse_reload_report(instance.reload({"--json"}).out).generation == 4);
}

TEST_CASE("sup reload called many times at once reports one outcome to each caller") {
    Instance instance;
    instance.start();
    std::vector<Child> callers;
    for (int i = 0; i < 20; ++i) callers.emplace_back(instance.sandbox()->command({"reload", "--json"}));
    for (auto& caller : callers) {
        const Outcome told = caller.wait(2 * patience);
        INFO(told.text());
        CHECK(told.exit_code == 0);
        CHECK(parse_reload_report(told.out).outcome == "promoted");
    }
    instance.wait_until_settled();
}

TEST_CASE("after 1,000 SIGUSR2 in a loop the instance runs one generation and nothing is left behind") {
    Instance instance;
    instance.start();
    for (int i = 0; i < 1000; ++i) REQUIRE(::kill(instance.master(), SIGUSR2) == 0);
    const auto now = instance.wait_for("a later generation, settled", [](const InstanceStatus& s) {
        return s.settled() && s.generations[0].number > 1;
    });
    CHECK(hello(port_of(now.addresses[0])).generation == now.generations[0].number);
    // The master and its two workers are all there is.
    CHECK(eventually([&] { return instance.sandbox()->processes().size() == 3; }));
    CHECK(instance.wait_until_settled().pid == instance.master());
}

TEST_CASE("a reload that still waits when the instance is told to stop ends with exit code 1 and says so") {
    Instance instance;
    instance.start();
    install_gated(instance, "exec ./worker");
    instance.config.command = {"./gated"};
    instance.write_config();
    Child under_way(instance.sandbox()->command({"reload"}));
    instance.wait_for("generation 2 starting", [](const auto& now) { return now.generation(2) != nullptr; });
    ControlClient pending(instance.folder() / "control.sock");
    REQUIRE(pending.request(reload_request));
    const Outcome stopped = instance.stop();
    INFO(stopped.text());
    CHECK(stopped.exit_code == 0);
    const Outcome told = under_way.wait();
    INFO(told.text());
    CHECK(told.exit_code == 1);
    CHECK(told.err.find("stopping") != std::string::npos);
    CHECK(told.err.find("still serving") == std::string::npos);
    CHECK(pending.response().find("stopping") != std::string::npos);
    CHECK(!proc::alive(instance.master()));
}

}  // namespace sup::test
