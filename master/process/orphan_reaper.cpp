#include "master/process/orphan_reaper.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

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

// One SIGCHLD may stand for many children. A child that stays although it was dealt with ends the round.
void reap_all(const std::function<bool(pid_t)>& collect_worker) {
    pid_t last = 0;
    for (pid_t pid = next_ended_child(); pid != 0 && pid != last; pid = next_ended_child()) {
        if (!collect_worker(pid)) reap(pid);
        last = pid;
    }
}

}  // namespace

OrphanReaper::OrphanReaper(uv_loop_t* loop, const std::function<bool(pid_t)>& collect_worker)
    : signal_(loop, SIGCHLD, [collect_worker] { reap_all(collect_worker); }) {
    reap_all(collect_worker);
}

}  // namespace sup
