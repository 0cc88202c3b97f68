#include "master/process/leftovers.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "master/process/orphan_reaper.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

// A worker that has started something in a session of its own and ended; this process is the heir.
struct LeftoversFixture {
    Subreaper subreaper;
    uv::Loop loop;
    Orphans orphans{[] { return std::vector<pid_t>{}; }};
    OrphanReaper reaper{loop.get(), [](pid_t) { return OrphanReaper::Answer::no_worker; }};
    pid_t worker = 0;
    int ended = 0;
    std::unique_ptr<Leftovers> leftovers;

    // `script` is run by a shell; what it prints first means that all of it is there.
    explicit LeftoversFixture(const std::string& script, bool with_environment = true) {
        Pipe output = make_pipe();
        Command shell = command({"/bin/sh", "-c", script});
        if (with_environment) shell.environment.emplace_back("NOTIFY_SOCKET=/run/notify.1");
        auto spawned = spawn(shell.request(output.writer.get(), STDERR_FILENO));
        REQUIRE(spawned);
        worker = spawned->pid;
        char byte = 0;
        REQUIRE(::read(output.reader.get(), &byte, 1) == 1);
        REQUIRE(run_until(loop, [&] { return !process_stat(worker); }));
        leftovers = std::make_unique<Leftovers>(
            loop.get(), orphans, WorkerMarks{.pid = worker, .notify_socket = "/run/notify.1"},
            [](const ProcessStat&) { return false; }, [this] { ++ended; });
    }
    // Those that have left its group by now.
    std::ptrdiff_t left() {
        return std::ranges::count_if(orphans.left_by({.pid = worker, .notify_socket = "/run/notify.1"}, {}),
                                     [&](const ProcessStat& one) { return one.group != worker; });
    }
};

const char* const helper = "setsid sleep 1000 >/dev/null 2>&1 & echo x";
const char* const stubborn = "setsid sh -c \"trap '' TERM; echo x; sleep 1000\" 2>/dev/null &";

}  // namespace

TEST_CASE("what a worker has left in a session of its own is ended") {
    LeftoversFixture fixture(helper);
    REQUIRE(wait_until([&] { return fixture.left() == 1; }));
    REQUIRE(fixture.leftovers->begin(false));
    CHECK(fixture.leftovers->names().find("process ") == 0);
    CHECK(run_until(fixture.loop, [&] { return fixture.ended == 1; }));
    CHECK(fixture.left() == 0);
    CHECK(fixture.leftovers->remaining().empty());
}

TEST_CASE("where nothing was left nothing is waited for") {
    LeftoversFixture fixture("echo x");
    CHECK_FALSE(fixture.leftovers->begin(false));
    CHECK(fixture.leftovers->names().empty());
}

TEST_CASE("what does not end at SIGTERM, and what that has started, is killed a second later") {
    LeftoversFixture fixture(stubborn);
    REQUIRE(wait_until([&] { return fixture.left() == 2; }));
    REQUIRE(fixture.leftovers->begin(false));
    CHECK(run_until(fixture.loop, [&] { return fixture.ended == 1; }));
    CHECK(fixture.left() == 0);
    CHECK(fixture.leftovers->remaining().empty());
}

TEST_CASE("what has no time is killed at once, also when that is decided later") {
    const bool later = GENERATE(false, true);
    LeftoversFixture fixture(stubborn);
    REQUIRE(wait_until([&] { return fixture.left() == 2; }));
    REQUIRE(fixture.leftovers->begin(!later));
    if (later) fixture.leftovers->kill();
    CHECK(run_until(fixture.loop, [&] { return fixture.ended == 1; }));
    CHECK(fixture.left() == 0);
}

TEST_CASE("what bears no mark of the worker is left alone, unless it can only be the worker's") {
    LeftoversFixture fixture(helper, false);
    REQUIRE(wait_until([] {  // until then it is in the worker's session
        return std::ranges::any_of(children_of(::getpid()),
                                   [](const ProcessStat& child) { return child.session == child.pid; });
    }));
    CHECK_FALSE(fixture.leftovers->begin(false));
    const auto own = [](const ProcessStat& process) { return process.parent == ::getpid(); };
    Leftovers all(fixture.loop.get(), fixture.orphans,
                  {.pid = fixture.worker, .notify_socket = "/run/notify.1"}, own, [&] { ++fixture.ended; });
    REQUIRE(all.begin(false));
    CHECK(run_until(fixture.loop, [&] { return fixture.ended == 1; }));
}
