// A process that is no worker's main process and is to be signalled later.
#pragma once

#include <optional>

#include "common/unique_fd.h"
#include "master/process/process_status.h"
#include "master/process/signal_outcome.h"

namespace sup {

// No other process can be hit, whatever happens to the number: it is held by a pidfd or, where a sandbox
// refuses those, checked again before each signal.
class HeldProcess {
public:
    // None: it has ended.
    static std::optional<HeldProcess> hold(const ProcessStat& process);

    pid_t pid() const noexcept { return process_.pid; }
    bool lives() const;
    SignalOutcome signal(int number) const;

private:
    HeldProcess(const ProcessStat& process, UniqueFd pidfd) : process_(process), pidfd_(std::move(pidfd)) {}

    ProcessStat process_;
    UniqueFd pidfd_;
};

}  // namespace sup
