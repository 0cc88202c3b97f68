#include "master/process/process_tree.h"

#include <signal.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;

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

TEST_CASE("users and signal sets of a process are known") {
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

TEST_CASE("what descends from a process is found, its parents first, and whom nobody asks for is not") {
    const Spawned worker(command({"/bin/sh", "-c", "setsid sh -c 'sleep 1000; :' & wait"}));
    std::vector<ProcessStat> found;
    REQUIRE(wait_until([&] {
        found = descendants_of(worker.pid());
        return found.size() == 2;
    }));
    CHECK(found[1].parent == found[0].pid);
    CHECK(children_of(worker.pid(), {found[0].pid}).empty());
    ::kill(-found[0].group, SIGKILL);
}
