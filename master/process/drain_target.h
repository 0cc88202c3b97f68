// Whom of a worker's processes the drain signal goes to.
#pragma once

#include <sys/types.h>

#include <optional>

#include "config/config.h"
#include "master/process/held_process.h"

namespace sup {

// Whether nothing but the signal's default action would come of it: none catches, ignores or blocks it, as in
// a shell that waits for what it has started.
bool has_no_answer_to(int signal, const SignalSets& sets);

class DrainTarget {
public:
    explicit DrainTarget(config::Drain drain) : drain_(drain) {}

    // One of the worker's processes said READY=1, or was named by MAINPID=. Held from now on; the first that
    // was ready counts, and the last that was named.
    void said_ready(const ProcessStat& process);
    void named_main(const ProcessStat& process);

    // Null: the main process, `main`. Not for drain.to "group".
    const HeldProcess* instead_of(pid_t main) const;
    // Whether that is one that said READY=1 for a main process that has no answer to the signal.
    bool is_wrapped(pid_t main) const;
    // Whether the signal would end `main`, whose children are to be drained, and nobody else is known.
    bool ends_wrapper(pid_t main) const;

private:
    config::Drain drain_;
    std::optional<HeldProcess> ready_;
    std::optional<HeldProcess> named_;
};

}  // namespace sup
