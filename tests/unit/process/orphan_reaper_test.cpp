#include "master/process/orphan_reaper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "master/process/child_watch.h"
#include "master/process/process_status.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

TEST_CASE("a child that was there before, and has ended already, is reaped") {
    const pid_t inherited = ::fork();
    if (inherited == 0) ::_exit(0);
    REQUIRE(wait_until([&] { return process_stat(inherited)->ended; }));
    uv::Loop loop;
    const OrphanReaper reaper(loop.get(), [](pid_t) { return OrphanReaper::Answer::no_worker; });
    CHECK_FALSE(process_stat(inherited));
}

TEST_CASE("orphans are reaped, and how a worker ended is never lost to that") {
    const Subreaper subreaper;
    uv::Loop loop;
    // The watch is on a loop that does not run, so that the reaper always comes first.
    uv::Loop idle;
    std::unique_ptr<ChildWatch> watch;
    std::optional<ExitReport> report;
    const OrphanReaper reaper(loop.get(), [&](pid_t pid) {
        if (!watch || watch->pid() != pid) return OrphanReaper::Answer::no_worker;
        return watch->collect() ? OrphanReaper::Answer::done : OrphanReaper::Answer::later;
    });

    // The worker's children leave its group, outlive it, and become ours.
    auto spawned = spawn(command({"/bin/sh", "-c", "for i in 1 2 3; do setsid sleep 0.05 & done; exit 9"})
                             .request(STDOUT_FILENO, STDERR_FILENO));
    REQUIRE(spawned);
    auto created = ChildWatch::create(idle.get(), spawned->pid, std::move(spawned->pidfd),
                                      [&](const ExitReport& how) { report = how; });
    REQUIRE(created);
    watch = std::move(*created);

    REQUIRE(run_until(loop, [&] { return report && !has_children(); }));
    CHECK(report->status_known);
    CHECK(report->status == core::ExitStatus{false, 9});
}

TEST_CASE("a worker that cannot be collected yet keeps its status, and no orphan waits behind it") {
    const auto ended = [](int code) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(code);
        REQUIRE(wait_until([&] { return process_stat(child)->ended; }));
        return child;
    };
    const pid_t orphan_before = ended(0);
    const pid_t worker = ended(9);
    const pid_t orphan_behind = ended(0);
    uv::Loop loop;
    int asked = 0;
    const OrphanReaper reaper(loop.get(), [&](pid_t pid) {
        if (pid != worker) return OrphanReaper::Answer::no_worker;
        ++asked;
        return OrphanReaper::Answer::later;
    });
    CHECK_FALSE(process_stat(orphan_before));
    CHECK_FALSE(process_stat(orphan_behind));
    CHECK(asked == 1);
    const int status = wait_for_exit(worker);
    CHECK(WEXITSTATUS(status) == 9);
}
