// Holds the shell to its promises: what the core says is done, in its order and nothing else; and what can be
// seen from outside is true.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "master/core/supervisor.h"
#include "master/runtime/instance_paths.h"
#include "tests/shell/kernel.h"
#include "tests/sim/checker.h"

namespace sup::shell {

class Judge {
public:
    Judge(Kernel& kernel, const InstancePaths& paths)
        : kernel_(kernel), paths_(paths), checker_(coverage_, false) {}

    // Before the actions are performed.
    void step(const core::Event& event, core::TimePoint now, const std::vector<core::Action>& actions,
              const core::Supervisor& supervisor);
    void saw(const Effect& effect);
    // The master waits: all that it had to do is done.
    void turn_over() { settle(); }
    void at_end(int exit_code);
    // While nothing is under way: what is held, and what is written down, is what there must be. Nobody
    // is connected to the control socket.
    void audit();

    bool promoted(std::uint32_t generation) const { return promoted_.contains(generation); }
    // Whether a process is still there of whom this one replaced, but for those that nobody can end.
    bool anybody_replaced_by(std::uint32_t generation);
    bool anybody_left();
    bool serves() const {
        return !promoted_.empty() && !checker_.model().ending && !checker_.model().stopping;
    }
    const sim::Model& model() const { return checker_.model(); }

private:
    void settle();
    void check(const core::Spawn& action);
    void check(const core::Drain& action);
    void check(const core::OfferInbox& action);
    void check(const core::Kill& action);
    void check(const core::CloseInbox& action);
    template <typename Other>
    void check(const Other& /*action*/) {}
    void heard(const core::Event& event);
    void check_patience(const core::Kill& action);
    void check_record(const std::vector<Process*>& processes) const;
    void check_birth(const core::Spawn& action, const Process& process) const;
    bool take(const Effect& effect);
    std::optional<Effect> take_packet(pid_t pid);
    Process* process_of(core::WorkerId worker);
    bool told(core::WorkerId worker) const;

    Kernel& kernel_;
    const InstancePaths& paths_;
    sim::Coverage coverage_;
    sim::Checker checker_;
    std::vector<core::Action> actions_;  // of the step that is being performed
    std::deque<Effect> effects_;         // since then
    std::map<core::WorkerId, pid_t> pids_;
    std::map<pid_t, std::uint32_t> generations_;
    std::set<core::WorkerId> channels_;
    std::set<core::WorkerId> unborn_;
    std::map<std::string, std::size_t> held_;                              // descriptors, by what there was
    std::map<std::uint32_t, std::optional<core::GenerationId>> promoted_;  // and whom it replaced
};

}  // namespace sup::shell
