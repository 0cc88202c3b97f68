#include "master/workers/drain_target.h"

#include <signal.h>

#include <fstream>
#include <string>

#include "master/process/process_tree.h"
#include "tests/catch.h"
#include "tests/unit/support.h"

using namespace sup;
using namespace sup::test;
using config::Drain;
using config::DrainTo;

namespace {

bool execs_sleep(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string command;
    return std::getline(file, command) && command == "sleep";
}

// A shell (or what `script` makes of it) that waits for its only child.
struct Wrapper {
    Spawned worker;
    ProcessStat child;

    explicit Wrapper(const std::string& script) : worker(command({"/bin/sh", "-c", script})) {
        std::vector<ProcessStat> children;
        REQUIRE(wait_until([&] {
            children = children_of(worker.pid());
            // dash blocks all signals while it forks, until a moment after the child's exec (vfork(2)).
            return children.size() == 1 && execs_sleep(children[0].pid) &&
                   signal_sets(worker.pid())->blocked == 0;
        }));
        child = children[0];
    }
    pid_t pid() const { return worker.pid(); }
};

const char* const plain = "sleep 1000; :";

pid_t told(const DrainTarget& target, pid_t main) {
    const HeldProcess* other = target.instead_of(main);
    return other == nullptr ? main : other->pid();
}

}  // namespace

TEST_CASE("a signal that is caught, ignored or blocked has an answer") {
    const std::uint64_t term = std::uint64_t{1} << (SIGTERM - 1);
    CHECK(has_no_answer_to(SIGTERM, {}));
    CHECK(has_no_answer_to(SIGTERM, {.blocked = ~term, .ignored = ~term, .caught = ~term}));
    CHECK_FALSE(has_no_answer_to(SIGTERM, {.blocked = term}));
    CHECK_FALSE(has_no_answer_to(SIGTERM, {.ignored = term}));
    CHECK_FALSE(has_no_answer_to(SIGTERM, {.caught = term}));
}

TEST_CASE("the process that sent READY=1 gets the signal where the main process is a plain shell") {
    const Wrapper wrapper(plain);
    DrainTarget target{Drain{}};
    CHECK(told(target, wrapper.pid()) == wrapper.pid());
    CHECK(target.ends_wrapper(wrapper.pid()));
    target.said_ready(wrapper.child);
    CHECK(told(target, wrapper.pid()) == wrapper.child.pid);
    const sup::HeldProcess* server = target.behind_wrapper(wrapper.pid());
    REQUIRE(server == target.instead_of(wrapper.pid()));
    REQUIRE(server != nullptr);
    CHECK_FALSE(target.ends_wrapper(wrapper.pid()));
    // With its end the shell is on its own; who had asked before can still name it.
    ::kill(wrapper.child.pid, SIGKILL);
    CHECK(wait_until([&] { return told(target, wrapper.pid()) == wrapper.pid(); }));
    CHECK(target.behind_wrapper(wrapper.pid()) == nullptr);
    CHECK(server->pid() == wrapper.child.pid);
}

TEST_CASE("a main process that handles the signal gets it, whoever sent READY=1") {
    const Wrapper wrapper("trap 'exit 0' TERM; sleep 1000 & wait");
    REQUIRE(wait_until([&] { return !has_no_answer_to(SIGTERM, *signal_sets(wrapper.pid())); }));
    DrainTarget target{Drain{}};
    target.said_ready(wrapper.child);
    CHECK(told(target, wrapper.pid()) == wrapper.pid());
    CHECK(target.behind_wrapper(wrapper.pid()) == nullptr);
    CHECK_FALSE(target.ends_wrapper(wrapper.pid()));
}

TEST_CASE("the process that MAINPID= names gets the signal, until it exits") {
    const Wrapper wrapper("trap 'exit 0' TERM; sleep 1000 & wait");
    DrainTarget target{Drain{}};
    target.named_main(wrapper.child);
    CHECK(told(target, wrapper.pid()) == wrapper.child.pid);
    target.named_main(*process_stat(wrapper.pid()));
    CHECK(told(target, wrapper.pid()) == wrapper.pid());
    target.named_main(wrapper.child);
    ::kill(wrapper.child.pid, SIGKILL);
    CHECK(wait_until([&] { return told(target, wrapper.pid()) == wrapper.pid(); }));
}

TEST_CASE("drain.to says who gets the signal: the main process, or the one that sent READY=1") {
    const Wrapper wrapper(plain);
    DrainTarget main{Drain{.to = DrainTo::main}};
    DrainTarget ready{Drain{.to = DrainTo::ready}};
    DrainTarget group{Drain{.to = DrainTo::group}};
    for (DrainTarget* target : {&main, &ready, &group}) target->said_ready(wrapper.child);
    CHECK(told(main, wrapper.pid()) == wrapper.pid());
    CHECK(main.ends_wrapper(wrapper.pid()));
    CHECK(told(ready, wrapper.pid()) == wrapper.child.pid);
    CHECK(told(group, wrapper.pid()) == wrapper.pid());
    CHECK_FALSE(group.ends_wrapper(wrapper.pid()));
}
