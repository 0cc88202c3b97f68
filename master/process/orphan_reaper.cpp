#include "master/process/orphan_reaper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "master/process/process_tree.h"

namespace sup {
namespace {

// The pid of a child that has ended and is not reaped, or 0.
pid_t next_ended_child() {
    siginfo_t info{};
    int result = 0;
    do {
        result = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? info.si_pid : 0;
}

void reap(pid_t pid) {
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

// False: it stays for now.
bool deal_with(pid_t pid, const OrphanReaper::Collect& collect) {
    switch (collect(pid)) {
        case OrphanReaper::Answer::no_worker: reap(pid); return true;
        case OrphanReaper::Answer::done: return true;
        case OrphanReaper::Answer::later: return false;
    }
    return false;
}

// Those behind one that stays: waitid(2) with P_ALL would find that one again.
void reap_others(std::set<pid_t> asked, const OrphanReaper::Collect& collect) {
    for (const ProcessStat& child : children_of(::getpid())) {
        if (child.ended && asked.insert(child.pid).second) deal_with(child.pid, collect);
    }
}

// One SIGCHLD may stand for many children.
void reap_all(const OrphanReaper::Collect& collect) {
    pid_t last = 0;
    for (pid_t pid = next_ended_child(); pid != 0; pid = next_ended_child()) {
        if (pid == last || !deal_with(pid, collect)) return reap_others({pid}, collect);
        last = pid;
    }
}

}  // namespace

OrphanReaper::OrphanReaper(uv_loop_t* loop, const Collect& collect)
    : signal_(loop, SIGCHLD, [collect] { reap_all(collect); }) {
    reap_all(collect);
}

}  // namespace sup
