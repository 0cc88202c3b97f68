#include "tests/sim/operator.h"

namespace sup::sim {

core::Event Operator::reload() {
    return core::ReloadRequested{next_request(),
                                 random_.chance(40) ? core::WaitFor::drained : core::WaitFor::promoted};
}

// By a call, a signal, or because the terminal has gone; a wrapper passes some signals on a moment later.
core::Event Operator::stop(bool now) {
    core::StopRequested stop{next_request(), now};
    if (now || random_.chance(40)) return stop;
    stop.by = random_.chance(70) ? core::StopBy::signal : core::StopBy::lost_terminal;
    if (random_.chance(50)) echoes_ = 1 + random_.below(2);
    return stop;
}

core::Event Operator::echo() {
    --echoes_;
    // An echo, or somebody who has become impatient.
    next_at_ += Duration{random_.chance(60) ? random_.below(700) : 1'000 + random_.below(1'000)};
    core::StopRequested stop{next_request()};
    stop.by = random_.chance(80) ? core::StopBy::signal : core::StopBy::request;
    return stop;
}

std::optional<core::Event> Operator::act() {
    if (echoes_ > 0) return echo();

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
