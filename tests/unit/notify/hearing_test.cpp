#include "master/notify/hearing.h"

#include <signal.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

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

struct Ear {
    WorkerMarks marks;
    std::uint64_t now = 1;  // milliseconds
    Orphans orphans{[this] { return std::vector<pid_t>{marks.pid}; }};
    Hearing hearing;

    explicit Ear(pid_t worker)
        : marks{.pid = worker, .notify_socket = "/run/notify.1"},
          hearing(orphans, marks, [this] { return now; }) {}
    bool hears(const Sender& sender) { return hearing.hears(sender); }
};

}  // namespace

TEST_CASE("the worker and what it started are heard, whatever user they have become") {
    const Spawned worker(command({"/bin/sh", "-c", "sleep 1000 & wait"}));
    Ear ear(worker.pid());
    CHECK(ear.hears({worker.pid(), 65534}));
    std::vector<ProcessStat> children;
    REQUIRE(wait_until([&] {
        children = children_of(worker.pid());
        return children.size() == 1;
    }));
    CHECK(ear.hears({children[0].pid, 65534}));
    // And from then on that user is known to be one of its.
    CHECK(ear.hears({ended_process(), 65534}));
    CHECK(ear.hearing.looks() == 0);
}

TEST_CASE("a living process that is none of the worker's is refused, also with the worker's user") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    const Spawned other(command({"/bin/sleep", "1000"}));
    Ear ear(worker.pid());
    const Sender sender{other.pid(), ::getuid()};
    CHECK_FALSE(ear.hears(sender));
    CHECK(describe(sender) == "process " + std::to_string(other.pid()) + " (sleep)");
}

TEST_CASE("a sender that has ended already is heard when its user is one of the worker's processes'") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    Ear ear(worker.pid());
    const pid_t ended = ended_process();
    CHECK(ear.hears({ended, ::getuid()}));
    CHECK(ear.hears({0, ::getuid()}));
    CHECK_FALSE(ear.hears({ended, ::getuid() + 1}));
    CHECK(describe(Sender{ended, 0}).find("has ended") != std::string::npos);
}

TEST_CASE("the last words of a worker's helper are heard while the worker waits to be reaped") {
    const Spawned worker(command({"/bin/sleep", "0"}));
    REQUIRE(wait_until([&] { return process_stat(worker.pid())->ended; }));
    Ear ear(worker.pid());
    CHECK(ear.hears({ended_process(), ::getuid()}));
}

TEST_CASE("a stranger that has ended is not believed because the worker has been reaped") {
    Spawned worker(command({"/bin/sleep", "1000"}));
    Ear ear(worker.pid());
    worker.end();
    ear.hearing.worker_was_reaped();
    CHECK_FALSE(ear.hears({ended_process(), ::getuid() + 1}));
    CHECK(ear.hears({ended_process(), ::getuid()}));
}

TEST_CASE(
    "where /proc hides the living worker its ended helpers are believed, until it is known to have ended") {
    Ear ear(ended_process());  // /proc shows as little of one that it hides
    CHECK(ear.hears({ended_process(), ::getuid() + 1}));
}

TEST_CASE(
    "ended senders of other users cost a look at the worker's processes a second, however many they are") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    Ear ear(worker.pid());
    const pid_t ended = ended_process();
    int heard = 0;
    for (int message = 0; message < 4000; ++message) {
        ear.now += 10;  // 40 seconds
        heard += ear.hears({ended, ::getuid() + 1 + static_cast<uid_t>(message % 7)}) ? 1 : 0;
    }
    CHECK(heard == 0);
    CHECK(ear.hearing.looks() <= 41);
    CHECK(ear.orphans.descriptors_looked_at() == 0);
    CHECK(ear.hears({ended, ::getuid()}));
}
