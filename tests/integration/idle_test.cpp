// Promise 7: nothing idle burns anything, and nothing grows.
#include <signal.h>

#include <chrono>
#include <iostream>
#include <sstream>
#include <thread>

#include "tests/catch.h"
#include "tests/integration/support/build.h"
#include "tests/integration/support/instance.h"

namespace sup::test {

namespace {

constexpr int reloads_while_measured = sanitized ? 60 : 200;

// What the process asked of the kernel in that time; none when it could not be traced.
std::optional<std::vector<std::string>> trace(const Instance& instance, pid_t pid,
                                              std::chrono::seconds time) {
    const auto file = instance.path("strace");
    Child tracer({.argv = {strace(), "-f", "-p", std::to_string(pid), "-o", file.string()}});
    const bool attached =
        eventually([&] { return proc::status_field(pid, "TracerPid") != "0" || !tracer.running(); });
    if (!attached || !tracer.running()) return std::nullopt;
    std::this_thread::sleep_for(time);  // the one test that is about a length of time
    tracer.signal(SIGINT);
    tracer.wait();
    std::vector<std::string> lines;
    std::istringstream text(read_file(file));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

struct Footprint {
    std::size_t descriptors;
    long own_kib;  // what nobody shares; the share of PSS depends on who else runs
};

Footprint footprint(const Instance& instance) {
    const pid_t master = instance.wait_until_settled().pid;
    // The connection that asked for the status is closed a moment after its answer.
    std::size_t fewest = proc::descriptors(master).size();
    eventually([&] {
        const std::size_t now = proc::descriptors(master).size();
        const bool same = now >= fewest;
        fewest = std::min(now, fewest);
        return same;
    });
    return {fewest, proc::memory_kib(master, "Private_Dirty")};
}

void reload_times(const Instance& instance, int times) {
    for (int i = 0; i < times; ++i) {
        const Outcome outcome = instance.reload();
        INFO(outcome.text());
        REQUIRE(outcome.exit_code == 0);
    }
}

}  // namespace

TEST_CASE("an idle master sits in one epoll_wait for five seconds and has one thread") {
    if (strace().empty()) return skip("strace is not installed");
    Instance instance;
    instance.start();
    REQUIRE(hello(instance.port()).pid != 0);
    REQUIRE(instance.reload({"--drained"}).exit_code == 0);
    footprint(instance);
    CHECK(proc::threads(instance.master()) == 1);
    // Some seconds after a reload the master looks at its queues, once.
    trace(instance, instance.master(), std::chrono::seconds(7));
    const auto calls = trace(instance, instance.master(), std::chrono::seconds(5));
    if (!calls) return skip("strace cannot attach to the master here");
    // Attaching interrupts the wait under way (EINTR), so there may be two lines for one wait.
    CHECK(calls->size() <= 2);
    for (const auto& call : *calls) {
        INFO(call);
        CHECK(call.find("epoll_") != std::string::npos);
        CHECK(call.find("wait") != std::string::npos);
    }
    CHECK(!calls->empty());
    CHECK(proc::threads(instance.master()) == 1);
}

TEST_CASE("descriptors and memory of the master do not grow over reloads") {
    if (sanitized)
        std::cout << "with sanitizers: " << reloads_while_measured << " reloads, memory not measured"
                  << std::endl;
    Instance instance;
    instance.start();
    reload_times(instance, 20);
    const Footprint early = footprint(instance);
    reload_times(instance, reloads_while_measured - 20);
    const Footprint late = footprint(instance);
    std::cout << "after 20 reloads " << early.descriptors << " descriptors, " << early.own_kib
              << " KiB; after " << reloads_while_measured << ": " << late.descriptors << ", " << late.own_kib
              << " KiB" << std::endl;
    CHECK(late.descriptors == early.descriptors);
    if (sanitized) return;
    CHECK(late.own_kib <= early.own_kib + 256);  // the heap's grain
    CHECK(proc::memory_kib(instance.master(), "Pss") < 8 * 1024);
}

TEST_CASE("failed reloads leave no descriptor behind") {
    Instance instance;
    instance.start();
    const auto fail = [&] { CHECK(instance.reload().exit_code == 1); };
    install_script("exit 1", instance.worker_path());
    fail();
    const Footprint before = footprint(instance);
    for (int i = 0; i < 20; ++i) fail();
    std::filesystem::remove(instance.worker_path());
    for (int i = 0; i < 20; ++i) fail();
    CHECK(footprint(instance).descriptors == before.descriptors);
}

}  // namespace sup::test
