#include "master/process/sender.h"

#include <signal.h>
#include <unistd.h>

#include "support.h"
#include "tests/catch.h"

using namespace sup;
using namespace sup::test;

namespace {

// A number that no process has.
pid_t ended_process() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    wait_for_exit(child);
    return child;
}

}  // namespace

TEST_CASE("the worker and what it started are heard, whatever user they have become") {
    const Spawned worker(command({"/bin/sh", "-c", "sleep 1000 & wait"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = {}};
    CHECK(is_heard({worker.pid(), 65534}, marks));
    std::vector<ProcessStat> children;
    REQUIRE(wait_until([&] {
        children = children_of(worker.pid());
        return children.size() == 1;
    }));
    CHECK(is_heard({children[0].pid, 65534}, marks));
}

TEST_CASE("a living process that is none of the worker's is refused, also with the worker's user") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    const Spawned other(command({"/bin/sleep", "1000"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = "/run/notify.1"};
    const Sender sender{other.pid(), ::getuid()};
    CHECK_FALSE(is_heard(sender, marks));
    CHECK(describe(sender) == "process " + std::to_string(other.pid()) + " (sleep)");
}

TEST_CASE("a sender that has ended already is heard when its user is one of the worker's processes'") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = {}};
    const pid_t ended = ended_process();
    CHECK(is_heard({ended, ::getuid()}, marks));
    CHECK(is_heard({0, ::getuid()}, marks));
    CHECK_FALSE(is_heard({ended, ::getuid() + 1}, marks));
    CHECK(describe(Sender{ended, 0}).find("has ended") != std::string::npos);
}

TEST_CASE("the last words of a worker's helper are heard while the worker waits to be reaped") {
    const Spawned worker(command({"/bin/sleep", "0"}));
    REQUIRE(wait_until([&] { return process_stat(worker.pid())->ended; }));
    CHECK(is_heard({ended_process(), ::getuid()}, {.pid = worker.pid(), .notify_socket = {}}));
}
