#include "master/process/child_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sup {
namespace {

// A process that is being traced has ended for its pidfd, but can be waited for only when the tracer lets it
// go.
constexpr Duration traced_retry{50};

// waitid(2) with the pidfd; false on an error, which can only be ECHILD: not ours to wait for (any more).
bool wait_for(int pidfd, int options, siginfo_t& info) {
    info = {};
    int result = 0;
    do {
        result = ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, options);
    } while (result != 0 && errno == EINTR);
    return result == 0;
}

// The pidfd is O_NONBLOCK since libuv watches it, and waitid(2) then answers EAGAIN instead of waiting.
void make_blocking(int pidfd) {
    const int flags = ::fcntl(pidfd, F_GETFL);
    if (flags >= 0) ::fcntl(pidfd, F_SETFL, flags & ~O_NONBLOCK);
}

bool has_ended(int pidfd) {
    pollfd wanted{pidfd, POLLIN, 0};
    return ::poll(&wanted, 1, 0) > 0;
}

// Of kill(2).
SignalOutcome outcome_of(int result) {
    if (result == 0) return SignalOutcome::sent;
    return errno == ESRCH ? SignalOutcome::ended : SignalOutcome::refused;
}

core::ExitStatus exit_status(const siginfo_t& info) {
    return {info.si_code != CLD_EXITED, info.si_status};
}

}  // namespace

ChildWatch::ChildWatch(uv_loop_t* loop, pid_t pid, UniqueFd pidfd, OnExit on_exit, OnEnd on_end)
    : pid_(pid),
      pidfd_(std::move(pidfd)),
      on_exit_(std::move(on_exit)),
      on_end_(std::move(on_end)),
      retry_(loop, [this] { on_readable(); }) {}

Result<std::unique_ptr<ChildWatch>> ChildWatch::create(uv_loop_t* loop, pid_t pid, UniqueFd pidfd,
                                                       OnExit on_exit, OnEnd on_end) {
    std::unique_ptr<ChildWatch> watch{
        new ChildWatch(loop, pid, std::move(pidfd), std::move(on_exit), std::move(on_end))};
    auto poll =
        uv::Poll::create(loop, watch->pidfd_.get(), [raw = watch.get()](int, int) { raw->on_readable(); });
    if (!poll) return Error{"pid " + std::to_string(pid) + ": " + poll.error().message};
    watch->poll_ = std::move(*poll);
    watch->poll_.start(UV_READABLE);
    return watch;
}

ChildWatch::~ChildWatch() {
    if (reaped_) return;
    kill_group();
    if (signal(SIGKILL) == SignalOutcome::refused) return;  // it would be waited for without end
    make_blocking(pidfd_.get());
    siginfo_t info{};
    wait_for(pidfd_.get(), WEXITED, info);
}

SignalOutcome ChildWatch::signal(int number) const {
    if (reaped_) return SignalOutcome::ended;
    if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0) return SignalOutcome::sent;
    if (errno == ESRCH) return SignalOutcome::ended;
    return outcome_of(::kill(pid_, number));
}

SignalOutcome ChildWatch::signal_group(int number) const {
    return reaped_ ? SignalOutcome::ended : outcome_of(::kill(-pid_, number));
}

void ChildWatch::kill_group() {
    signal_group(SIGKILL);
}

void ChildWatch::on_readable() {
    poll_.stop();  // level-triggered: it would call again and again
    if (!collect()) retry_.arm(traced_retry);
}

bool ChildWatch::collect() {
    if (reaped_) return true;
    if (!has_ended(pidfd_.get())) return false;
    ExitReport report;
    siginfo_t info{};
    if (wait_for(pidfd_.get(), WEXITED | WNOHANG | WNOWAIT, info)) {
        if (info.si_pid == 0) return false;
        if (const OnEnd call = std::exchange(on_end_, nullptr)) call();
        // While the zombie holds its number no other process or group can have it.
        kill_group();
        wait_for(pidfd_.get(), WEXITED | WNOHANG, info);
        report.status = exit_status(info);
        // From here on the group exists only if others are in it.
        report.group_remained = ::kill(-pid_, 0) == 0;
    } else {
        report.status_known = false;
    }
    reaped_ = true;
    poll_.stop();
    retry_.cancel();
    const OnExit call = std::exchange(on_exit_, nullptr);
    call(report);
    return true;
}

void reset_child_signal() {
    ::signal(SIGCHLD, SIG_DFL);
}

}  // namespace sup
