#include "master/workers/drain_target.h"

#include "master/process/process_tree.h"

namespace sup {
namespace {

bool has_no_answer(pid_t main, int signal) {
    const auto sets = signal_sets(main);
    return sets && has_no_answer_to(signal, *sets);
}

bool lives(const std::optional<HeldProcess>& process) {
    return process && process->lives();
}

}  // namespace

bool has_no_answer_to(int signal, const SignalSets& sets) {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    return ((sets.caught | sets.ignored | sets.blocked) & bit) == 0;
}

void DrainTarget::said_ready(const ProcessStat& process) {
    if (!lives(ready_)) ready_ = HeldProcess::hold(process);
}

void DrainTarget::named_main(const ProcessStat& process) {
    named_ = HeldProcess::hold(process);
}

const HeldProcess* DrainTarget::instead_of(pid_t main) const {
    switch (drain_.to) {
        case config::DrainTo::automatic:
            if (lives(named_)) return named_->pid() == main ? nullptr : &*named_;
            return behind_wrapper(main);
        case config::DrainTo::ready: return lives(ready_) ? &*ready_ : nullptr;
        case config::DrainTo::main:
        case config::DrainTo::group: return nullptr;
    }
    return nullptr;
}

const HeldProcess* DrainTarget::behind_wrapper(pid_t main) const {
    const bool wrapped = drain_.to == config::DrainTo::automatic && !lives(named_) && lives(ready_) &&
                         ready_->pid() != main && has_no_answer(main, drain_.signal);
    return wrapped ? &*ready_ : nullptr;
}

bool DrainTarget::ends_wrapper(pid_t main) const {
    const bool main_is_told = drain_.to != config::DrainTo::group && instead_of(main) == nullptr;
    const bool spoke_itself = ready_ && ready_->pid() == main;
    return main_is_told && !spoke_itself && has_no_answer(main, drain_.signal) && !children_of(main).empty();
}

}  // namespace sup
