// The end of the instance: everything drains (or, at a second request, is killed), then everybody is told,
// then Exit.
#include "master/core/rules.h"

namespace sup::core {
namespace {

// How long one Ctrl-C may take to arrive twice, from the terminal and from the wrapper around us; and how
// long the end of a session may take from its SIGHUP to its SIGTERM.
constexpr Duration one_wish{1'000};

bool is_second_wish(const Step& step, const StopRequested& event) {
    const Instance& instance = step.instance;
    if (instance.stop_requests.empty() || event.by == StopBy::lost_terminal) return false;
    return !instance.stop_signalled_at || step.now - *instance.stop_signalled_at >= one_wish;
}

void kill_everything(Step& step) {
    for (auto& [generation_id, generation] : step.instance.generations) {
        for (auto& [worker_id, worker] : generation.workers) kill(step, worker, Kill::Reason::stop_now);
    }
}

// A Prepare that is outstanding is waited for; what it prepared is released.
void end_reload(Step& step) {
    Instance& instance = step.instance;
    if (!instance.reload) return;
    const Failure stopping = failure::Stopping{};
    if (is_preparing(instance)) {
        reply_failed(step, instance.reload->askers, stopping);
    } else {
        abort_reload(step, instance.generations.at(instance.reload->generation), stopping);
    }
}

}  // namespace

void begin_end(Step& step, int exit_code) {
    step.instance.exit_code = exit_code;
    step.instance.announced_draining.reset();
    reply_failed(step, step.instance.waiting, failure::Stopping{});
}

void on(Step& step, const StopRequested& event) {
    const bool again = is_second_wish(step, event);
    step.instance.stop_requests.push_back(event.request);
    if (event.by != StopBy::request && !step.instance.stop_signalled_at)
        step.instance.stop_signalled_at = step.now;
    if (again || event.now) kill_everything(step);
    if (is_ending(step.instance)) return;
    begin_end(step, 0);
    end_reload(step);
    drain_those_still_serving(step);
    if (Generation* active = active_generation(step.instance)) drain(step, *active, std::nullopt);
}

void exit_if_nothing_is_left(Step& step) {
    Instance& instance = step.instance;
    if (!is_ending(instance) || instance.reload || !instance.generations.empty()) return;
    require(step.deadlines.empty() && instance.drained_waiters.empty() && instance.waiting.empty(),
            "an instance without generations has no deadline and owes no answer");
    for (const RequestId request : instance.stop_requests) {
        step.act(Reply{request, Reply::Stopped{}});
    }
    step.act(Exit{*instance.exit_code});
    instance.exited = true;
}

}  // namespace sup::core
