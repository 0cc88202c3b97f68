#include "tests/sim/operator.h"

namespace sup::sim {

core::Event Operator::reload() {
    return core::ReloadRequested{next_request(),
                                 random_.chance(40) ? core::WaitFor::drained : core::WaitFor::promoted};
}

std::optional<core::Event> Operator::act() {
    if (storm_ > 0) {
        --storm_;
        if (random_.chance(30)) next_at_ += Duration{1};
        return reload();
    }
    next_at_ += random_delay(random_, profile_.pause);
    const Profile& p = profile_;
    const std::uint32_t all =
        p.reload + p.reload_storm + p.stop + p.stop_now + p.add + p.remove + p.kill_worker + p.stale_event;
    std::uint32_t choice = random_.below(all);
    const auto is = [&choice](std::uint32_t weight) {
        if (choice < weight) return true;
        choice -= weight;
        return false;
    };
    if (is(p.reload)) return reload();
    if (is(p.stop)) return stop(false);
    if (is(p.stop_now)) return stop(true);
    if (is(p.add)) return core::AddWorkerRequested{};
    if (is(p.remove)) return core::RemoveWorkerRequested{};
    if (is(p.stale_event)) return world_.stale_event();
    if (is(p.reload_storm)) {
        storm_ = 2 + random_.below(20);
        return reload();
    }
    world_.kill_somebody();
    return std::nullopt;
}

}  // namespace sup::sim
