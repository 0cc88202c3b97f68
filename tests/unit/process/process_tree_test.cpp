#include "master/process/process_tree.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "support.h"
#include "tests/catch.h"

using namespace sup;
using namespace sup::test;

namespace {

// What a process that runs `program` is, once there is one below `ancestor`.
ProcessStat wait_for_descendant(pid_t ancestor, std::size_t count = 1) {
    std::vector<ProcessStat> found;
    REQUIRE(wait_until([&] {
        found = descendants_of(ancestor);
        return found.size() == count;
    }));
    return found.back();
}

ino_t inode(int fd) {
    struct stat file {};
    REQUIRE(::fstat(fd, &file) == 0);
    return file.st_ino;
}

// One that has left its worker's session, and whose parent has ended: this process's child.
ProcessStat wait_for_orphan(pid_t worker) {
    std::optional<ProcessStat> orphan;
    REQUIRE(wait_until([&] {
        for (const ProcessStat& child : children_of(::getpid())) {
            if (child.pid != worker && !child.ended && child.session != ::getsid(0) &&
                child.session != worker)
                orphan = child;
        }
        return orphan.has_value();
    }));
    return *orphan;
}

void end(const ProcessStat& process) {
    ::kill(process.pid, SIGKILL);
    wait_for_exit(process.pid);
}

}  // namespace

TEST_CASE("a process's place is told, and that it has ended before it is reaped") {
    const auto own = process_stat(::getpid());
    REQUIRE(own);
    CHECK(own->parent == ::getppid());
    CHECK(own->group == ::getpgrp());
    CHECK(own->session == ::getsid(0));
    CHECK_FALSE(own->ended);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    CHECK(wait_until([&] { return process_stat(child)->ended; }));
    wait_for_exit(child);
    CHECK_FALSE(process_stat(child));
    CHECK_FALSE(process_stat(0));
}

TEST_CASE("users and signal sets of a process are told") {
    const auto users = process_users(::getpid());
    REQUIRE(users);
    CHECK(users->include(::getuid()));
    CHECK_FALSE(users->include(12345));
    ::signal(SIGUSR1, [](int) {});
    ::signal(SIGUSR2, SIG_IGN);
    const auto sets = signal_sets(::getpid());
    ::signal(SIGUSR1, SIG_DFL);
    ::signal(SIGUSR2, SIG_DFL);
    REQUIRE(sets);
    CHECK((sets->caught >> (SIGUSR1 - 1) & 1) == 1);
    CHECK((sets->ignored >> (SIGUSR2 - 1) & 1) == 1);
    CHECK((sets->caught >> (SIGUSR2 - 1) & 1) == 0);
}

TEST_CASE("what a worker started is its own, also when it has a session of its own") {
    const Spawned worker(command({"/bin/sh", "-c", "setsid sh -c 'sleep 1000; :' & wait"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = {}};
    const ProcessStat deepest = wait_for_descendant(worker.pid(), 2);
    CHECK(belongs_to(deepest, marks));
    CHECK(belongs_to(*process_stat(worker.pid()), marks));
    CHECK(processes_of(marks).size() == 3);
    ::kill(-deepest.group, SIGKILL);
}

TEST_CASE("who is started by nobody of the worker is not its own, whoever's user it is") {
    const Spawned worker(command({"/bin/sleep", "1000"}));
    const Spawned other(command({"/bin/sleep", "1000"}));
    const WorkerMarks marks{.pid = worker.pid(), .notify_socket = "/run/notify.1"};
    CHECK_FALSE(belongs_to(*process_stat(other.pid()), marks));
    CHECK_FALSE(belongs_to(*process_stat(::getpid()), marks));
    CHECK_FALSE(belongs_to(*process_stat(::getppid()), marks));
    CHECK(processes_of(marks).size() == 1);
}

TEST_CASE("an orphan in a session of its own is known by its environment") {
    const Subreaper subreaper;
    Command program = command({"/bin/sh", "-c", "setsid sleep 1000 >/dev/null 2>&1 & exec sleep 0"});
    program.environment.emplace_back("NOTIFY_SOCKET=/run/notify.1");
    const Spawned worker(program);
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    CHECK(belongs_to(orphan, {.pid = worker.pid(), .notify_socket = "/run/notify.1"}));
    CHECK_FALSE(belongs_to(orphan, {.pid = worker.pid(), .notify_socket = "/run/notify.11"}));
    CHECK_FALSE(belongs_to(orphan, {.pid = worker.pid(), .notify_socket = {}}));
    end(orphan);
}

TEST_CASE("an orphan in a session of its own, without an environment, is known by the output that it holds") {
    const Subreaper subreaper;
    const Pipe output = make_pipe();
    const Spawned worker(command({"/bin/sh", "-c", "setsid env -i sleep 1000 & exec sleep 0"}),
                         output.writer.get());
    const ProcessStat orphan = wait_for_orphan(worker.pid());
    const auto marks = [&](ino_t pipe) {
        return WorkerMarks{.pid = worker.pid(), .notify_socket = "/run/notify.1", .output_pipes = {pipe}};
    };
    CHECK(belongs_to(orphan, marks(inode(output.writer.get()))));
    CHECK_FALSE(belongs_to(orphan, marks(inode(output.writer.get()) + 1)));
    end(orphan);
}
