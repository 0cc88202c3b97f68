#include "master/core/supervisor.h"

#include "master/core/rules.h"

namespace sup::core {
namespace {

void settle(Step& step) {
    promote_if_ready(step);
    roll(step);
    release_the_gone(step);
    start_next_reload(step);
    exit_if_nothing_is_left(step);
}

}  // namespace

void on(Step& step, const DeadlineReached&) {
    const std::optional<Waiter> due = step.deadlines.due(step.now);
    if (due) std::visit([&](const auto& waiter) { deadline_reached(step, waiter); }, *due);
}

Supervisor::Supervisor(std::uint64_t seed) : Supervisor(std::make_unique<Instance>()) {
    instance_->random = seed;
}
Supervisor::Supervisor(std::unique_ptr<Instance> instance)
    : instance_(std::move(instance)), deadlines_(std::make_unique<Deadlines>(*instance_)) {}
Supervisor::Supervisor(Supervisor&&) noexcept = default;
Supervisor& Supervisor::operator=(Supervisor&&) noexcept = default;
Supervisor::~Supervisor() = default;

std::vector<Action> Supervisor::step(const Event& event, TimePoint now) {
    if (instance_->exited) return {};
    Step step{*instance_, *deadlines_, now};
    const Outlook before = look(*instance_);
    std::visit([&](const auto& what) { on(step, what); }, event);
    settle(step);
    reconcile_handoffs(step);
    tell_changes(step, before);
    return std::move(step.actions);
}

std::optional<TimePoint> Supervisor::next_deadline() const {
    return deadlines_->next();
}

}  // namespace sup::core
