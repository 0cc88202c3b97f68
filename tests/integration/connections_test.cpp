// Promise 1: no connection is lost.
#include <signal.h>

#include <iostream>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"
#include "tests/integration/support/load.h"

namespace sup::test {

namespace {

// Sanitized processes start slowly; the promise is the same for fewer reloads.
constexpr unsigned reloads_in_a_row = sanitized ? 50 : 200;

// Stops the processes and waits until the kernel has done so: from then on they accept nothing.
void freeze(const std::vector<pid_t>& pids) {
    for (const pid_t pid : pids) ::kill(pid, SIGSTOP);
    for (const pid_t pid : pids) {
        REQUIRE(eventually([&] { return proc::stat(pid) && proc::stat(pid)->state == 'T'; }));
    }
}

std::vector<HttpConnection> open_requests(std::uint16_t port, int count) {
    std::vector<HttpConnection> waiting;
    for (int i = 0; i < count; ++i) {
        waiting.emplace_back(port);
        waiting.back().send(request("/"));
    }
    return waiting;
}

int count_answered(std::vector<HttpConnection>& waiting) {
    int answered = 0;
    for (auto& connection : waiting) {
        const Answer answer = connection.receive();
        if (answer.ok() && parse_hello(answer.body)) {
            ++answered;
        } else {
            UNSCOPED_INFO("status " << answer.status << ", " << answer.error);
        }
    }
    return answered;
}

}  // namespace

TEST_CASE("reloads in a row under 64 clients fail no request, and every worker of every generation answers") {
    if (sanitized)
        std::cout << "with sanitizers: " << reloads_in_a_row << " reloads instead of 200" << std::endl;
    Instance instance;
    instance.start();
    Load load(instance.port(), 64);
    const auto first_pids = instance.worker_pids();
    REQUIRE(eventually(
        [&] { return load.has_answered(first_pids.at(0)) && load.has_answered(first_pids.at(1)); }));
    for (unsigned i = 0; i < reloads_in_a_row; ++i) {
        const auto answered_before = load.answered();
        const Outcome reloaded = instance.reload();
        INFO("reload " << i << ": " << reloaded.text());
        REQUIRE(reloaded.exit_code == 0);
        const auto pids = instance.worker_pids();
        REQUIRE(pids.size() == 2);
        REQUIRE(eventually([&] {
            return load.answered() >= answered_before + 50 && load.has_answered(pids[0]) &&
                   load.has_answered(pids[1]);
        }));
    }
    const LoadReport report = load.stop();
    std::cout << report.text() << std::endl;
    INFO(report.text());
    CHECK(report.failures() == 0);
    CHECK(report.pids.size() >= 2 * reloads_in_a_row);
    CHECK(report.generations.size() == reloads_in_a_row + 1);
    instance.wait_until_settled();
}

TEST_CASE(
    "the accept queue survives the death of every worker: 50 of 50 are answered by the restarted ones") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const auto old_pids = instance.worker_pids();
    freeze(old_pids);
    auto waiting = open_requests(port, 50);
    for (const auto& connection : waiting) CHECK(connection.error() == "");
    for (const pid_t pid : old_pids) ::kill(pid, SIGKILL);
    CHECK(count_answered(waiting) == 50);
    const InstanceStatus now = instance.wait_until_settled();
    for (const auto& worker : now.generations[0].workers) CHECK(worker.restarts == 1);
}

TEST_CASE("connections that the old generation had not accepted are answered by the new one") {
    Instance instance;
    instance.start();
    const std::uint16_t port = instance.port();
    const auto old_pids = instance.worker_pids();
    freeze(old_pids);
    auto waiting = open_requests(port, 50);
    REQUIRE(instance.reload().exit_code == 0);
    CHECK(count_answered(waiting) == 50);
    for (const pid_t pid : old_pids) ::kill(pid, SIGCONT);
    instance.wait_until_settled();
}

TEST_CASE("the queue of a listener that a reload removes is answered before it is closed") {
    Instance instance{{.listen = {"127.0.0.1:0", "127.0.0.1:0"}}};
    instance.start();
    const std::uint16_t removed = instance.port(1);
    const auto old_pids = instance.worker_pids();
    freeze(old_pids);
    auto waiting = open_requests(removed, 20);
    instance.config.listen = {"127.0.0.1:0"};
    instance.write_config();
    REQUIRE(instance.reload().exit_code == 0);
    for (const pid_t pid : old_pids) ::kill(pid, SIGCONT);
    CHECK(count_answered(waiting) == 20);
    instance.wait_until_settled();
}

}  // namespace sup::test
