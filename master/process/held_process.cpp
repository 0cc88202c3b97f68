#include "master/process/held_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sup {
namespace {

bool is_still_there(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

}  // namespace

std::optional<HeldProcess> HeldProcess::hold(const ProcessStat& process) {
    UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
    // Checked after it was opened: if it is still the same process, the descriptor refers to it.
    if (!is_still_there(process)) return std::nullopt;
    return HeldProcess(process, std::move(pidfd));
}

bool HeldProcess::lives() const {
    if (!pidfd_) return is_still_there(process_);
    pollfd ended{pidfd_.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
}

SignalOutcome HeldProcess::signal(int number) const {
    if (pidfd_ && ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) == 0)
        return SignalOutcome::sent;
    if (pidfd_ && errno == ESRCH) return SignalOutcome::ended;
    if (!is_still_there(process_)) return SignalOutcome::ended;
    if (::kill(process_.pid, number) == 0) return SignalOutcome::sent;
    return errno == ESRCH ? SignalOutcome::ended : SignalOutcome::refused;
}

}  // namespace sup
