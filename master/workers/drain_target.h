// Which of a worker's processes gets the drain signal.
#pragma once

#include <sys/types.h>

#include <optional>

#include "config/config.h"
#include "master/process/held_process.h"

namespace sup {

// Whether the signal would have its default action: it is not caught, ignored or blocked. So it is in a shell
// that waits for what it has started.
bool has_no_answer_to(int signal, const SignalSets& sets);

class DrainTarget {
public:
    explicit DrainTarget(config::Drain drain) : drain_(drain) {}

    // One of the worker's processes sent READY=1, or was named by MAINPID=. Held from now on; the first
    // that was ready counts, and the last that was named.
    void said_ready(const ProcessStat& process);
    void named_main(const ProcessStat& process);

    // Null: the main process, `main`. Not for drain.to "group".
    const HeldProcess* instead_of(pid_t main) const;
    // The one that sent READY=1 for a main process that does not handle the signal; null: there is none. It
    // may end at any moment, so use the answer instead of asking twice.
    const HeldProcess* behind_wrapper(pid_t main) const;
    // Whether the signal would end `main`, although its children are to be drained, and no other is known.
    bool ends_wrapper(pid_t main) const;

private:
    config::Drain drain_;
    std::optional<HeldProcess> ready_;
    std::optional<HeldProcess> named_;
};

}  // namespace sup
