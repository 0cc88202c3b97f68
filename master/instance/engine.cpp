#include "master/instance/engine.h"

#include <utility>

namespace sup {

Engine::Engine(uv_loop_t* loop, core::Supervisor core, Performer& performer, Witness witness)
    : loop_(loop),
      core_(std::move(core)),
      performer_(performer),
      witness_(std::move(witness)),
      turn_(loop, [this] { work_off(); }),
      deadline_(loop, [this] { deadline_reached(); }) {}

core::TimePoint Engine::now() {
    uv_update_time(loop_);
    return core::TimePoint{Duration{static_cast<Duration::rep>(uv_now(loop_))}};
}

void Engine::post(core::Event event) {
    events_.push_back(std::move(event));
    wake();
}

void Engine::wake() {
    turn_.arm(Duration{0});
}

void Engine::work_off() {
    looked_ = false;
    while (!events_.empty()) {
        const core::Event event = std::move(events_.front());
        events_.pop_front();
        step(event);
    }
    await_deadline();
    performer_.turn_over();
}

void Engine::step(const core::Event& event) {
    performer_.begin(event);
    const core::TimePoint time = now();
    const std::vector<core::Action> actions = core_.step(event, time);
    if (witness_) witness_(event, time, actions, core_);
    for (const core::Action& action : actions) performer_.perform(action);
    performer_.end(event);
    const bool more = core_.next_deadline().value_or(core::TimePoint::max()) <= looked_at_;
    if (more && std::holds_alternative<core::DeadlineReached>(event)) post(core::DeadlineReached{});
}

void Engine::await_deadline() {
    const std::optional<core::TimePoint> next = core_.next_deadline();
    if (next == awaited_) return;
    awaited_ = next;
    if (next)
        deadline_.arm(*next - now());
    else
        deadline_.cancel();
}

// libuv runs timers before it looks at descriptors. After a time in which the master did not run (SIGSTOP, a
// machine that was suspended) a deadline must not pass for a worker that has ended long before.
void Engine::deadline_reached() {
    awaited_.reset();
    if (!std::exchange(looked_, true)) performer_.look_before_deadline();
    looked_at_ = now();
    post(core::DeadlineReached{});
}

}  // namespace sup
