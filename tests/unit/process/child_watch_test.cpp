#include "master/process/child_watch.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "tests/catch.h"
#include "tests/skip.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

namespace {

// A watched process, whose output (and that of whatever it started) comes through a pipe.
struct Watched {
    uv::Loop& loop;
    Pipe output = make_pipe();
    std::unique_ptr<ChildWatch> watch;
    std::optional<ExitReport> report;
    int reports = 0;
    pid_t pid = 0;

    Watched(uv::Loop& on, const std::vector<std::string>& arguments) : loop(on) {
        auto spawned = spawn(command(arguments).request(output.writer.get(), STDERR_FILENO));
        if (!spawned) FAIL(spawned.error().message);
        output.writer.reset();
        pid = spawned->pid;
        auto created =
            ChildWatch::create(loop.get(), pid, std::move(spawned->pidfd), [this](const ExitReport& how) {
                report = how;
                ++reports;
            });
        if (!created) FAIL(created.error().message);
        watch = std::move(*created);
    }

    ExitReport wait() {
        REQUIRE(run_until(loop, [this] { return report.has_value(); }));
        return *report;
    }
    std::string first_line() {
        std::string line;
        char c = 0;
        while (::read(output.reader.get(), &c, 1) == 1 && c != '\n') line += c;
        return line;
    }
};

char read_byte(int fd) {
    char byte = 0;
    return ::read(fd, &byte, 1) == 1 ? byte : '\0';
}

}  // namespace

TEST_CASE("how a worker ended is reported once: exit codes and signals") {
    uv::Loop loop;
    for (const int code : {0, 1, 77, 255}) {
        Watched worker(loop, {"/bin/sh", "-c", "exit " + std::to_string(code)});
        const ExitReport report = worker.wait();
        CHECK(report.status_known);
        CHECK(report.status == core::ExitStatus{false, code});
        CHECK_FALSE(report.group_remained);
    }
    for (const int number : {SIGKILL, SIGTERM, SIGSEGV}) {
        Watched worker(loop, {"/bin/sleep", "1000"});
        CHECK(worker.watch->signal(number) == SignalOutcome::sent);
        CHECK(worker.wait().status == core::ExitStatus{true, number});
        CHECK(worker.reports == 1);
    }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("after the end nothing can be signalled by mistake") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/true"});
    worker.wait();
    CHECK(worker.watch->signal(0) == SignalOutcome::ended);
    worker.watch->kill_group();
    CHECK(worker.watch->collect());
    CHECK(worker.reports == 1);
}

TEST_CASE("what a worker leaves in its group ends with it, and the report says that it was there") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/sh", "-c", "sleep 1000 & echo $!; exec >&-; sleep 1000; :"});
    const pid_t left = std::stoi(worker.first_line());
    CHECK(process_exists(left));
    CHECK(worker.watch->signal(SIGTERM) == SignalOutcome::sent);
    const ExitReport report = worker.wait();
    CHECK(report.status == core::ExitStatus{true, SIGTERM});
    CHECK(report.group_remained);
    // Both sleepers held the pipe: its end means that they are gone.
    CHECK(read_to_end(worker.output.reader.get()).empty());
}

TEST_CASE("killing the group ends all of it, also what ignores other signals") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/sh", "-c", "trap '' TERM INT; sleep 1000 & echo up; sleep 1000; :"});
    CHECK(worker.first_line() == "up");
    CHECK(worker.watch->signal(SIGTERM) == SignalOutcome::sent);
    CHECK_FALSE(worker.watch->collect());
    worker.watch->kill_group();
    CHECK(worker.wait().status == core::ExitStatus{true, SIGKILL});
    CHECK(read_to_end(worker.output.reader.get()).empty());
}

TEST_CASE("collecting a living process does nothing, and its end is still reported") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/sleep", "1000"});
    for (int i = 0; i < 3; ++i) CHECK_FALSE(worker.watch->collect());
    CHECK(worker.reports == 0);
    worker.watch->signal(SIGKILL);
    worker.wait();
}

TEST_CASE("a process that somebody else reaped is reported as one whose end is unknown") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/true"});
    wait_for_exit(worker.pid);
    CHECK_FALSE(worker.wait().status_known);
}

TEST_CASE(
    "a worker that ended while a debugger holds it is reported when the debugger lets go, without spinning") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/sleep", "1000"});
    Pipe attached = make_pipe();
    Pipe let_go = make_pipe();
    const pid_t debugger = ::fork();
    REQUIRE(debugger >= 0);
    if (debugger == 0) {
        const char result = ::ptrace(PTRACE_SEIZE, worker.pid, nullptr, nullptr) == 0 ? 'y' : 'n';
        let_go.writer.reset();
        char nothing = 0;
        if (::write(attached.writer.get(), &result, 1) != 1) ::_exit(1);
        ::_exit(::read(let_go.reader.get(), &nothing, 1) == 0 ? 0 : 1);
    }
    attached.writer.reset();
    if (read_byte(attached.reader.get()) != 'y') {
        skip("no process may be traced here");
        let_go.writer.reset();
        wait_for_exit(debugger);
        return;
    }
    worker.watch->signal(SIGKILL);
    bool waited = false;
    uv::Timer timer(loop.get(), [&] { waited = true; });
    timer.arm(Duration{300});
    int turns = 0;
    while (!waited) {
        uv_run(loop.get(), UV_RUN_ONCE);
        ++turns;
    }
    // A few retries. A level-triggered watch left running would turn many thousand times.
    CHECK(turns < 100);
    CHECK(worker.reports == 0);
    let_go.writer.reset();
    CHECK(worker.wait().status == core::ExitStatus{true, SIGKILL});
    CHECK(wait_for_exit(debugger) == 0);
}

TEST_CASE("a process that is nobody's child of ours can be watched") {
    uv::Loop loop;
    // Its parent, which lives on, reaps it and never tells us.
    Watched parent(loop, {"/bin/sh", "-c", "setsid sleep 1000 & echo $!; wait; sleep 1000"});
    const pid_t stranger = std::stoi(parent.first_line());
    UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, stranger, 0))};
    REQUIRE(pidfd);
    std::optional<ExitReport> report;
    auto watch = ChildWatch::create(loop.get(), stranger, std::move(pidfd),
                                    [&](const ExitReport& how) { report = how; });
    REQUIRE(watch);
    CHECK_FALSE((*watch)->collect());
    CHECK((*watch)->signal(SIGTERM) == SignalOutcome::sent);
    REQUIRE(run_until(loop, [&] { return report.has_value(); }));
    CHECK_FALSE(report->status_known);
}

TEST_CASE("destroying the watch of a living process ends its whole group and reaps it") {
    uv::Loop loop;
    Watched worker(loop, {"/bin/sh", "-c", "sleep 1000 & echo up; sleep 1000; :"});
    CHECK(worker.first_line() == "up");
    worker.watch.reset();
    CHECK(worker.reports == 0);
    CHECK(::waitpid(worker.pid, nullptr, WNOHANG) == -1);
    CHECK(read_to_end(worker.output.reader.get()).empty());
}

TEST_CASE("the callback may destroy the watch") {
    uv::Loop loop;
    auto spawned = spawn(command({"/bin/true"}).request(STDOUT_FILENO, STDERR_FILENO));
    REQUIRE(spawned);
    std::unique_ptr<ChildWatch> watch;
    bool called = false;
    auto created =
        ChildWatch::create(loop.get(), spawned->pid, std::move(spawned->pidfd), [&](const ExitReport&) {
            watch.reset();
            called = true;
        });
    REQUIRE(created);
    watch = std::move(*created);
    CHECK(run_until(loop, [&] { return called; }));
}

TEST_CASE("an ignored SIGCHLD that was inherited does not hide how children end") {
    ::signal(SIGCHLD, SIG_IGN);
    reset_child_signal();
    uv::Loop loop;
    Watched worker(loop, {"/bin/sh", "-c", "exit 5"});
    CHECK(worker.wait().status == core::ExitStatus{false, 5});
}
