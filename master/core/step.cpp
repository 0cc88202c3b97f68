#include "master/core/step.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sup::core {

TimePoint later(TimePoint now, Duration duration) {
    return now + std::min(duration, longest_duration);
}

TimerId arm(Step& step, decltype(Timer::purpose) purpose, TimePoint at) {
    const TimerId id = step.instance.next_timer;
    step.instance.next_timer = TimerId{static_cast<std::uint64_t>(id) + 1};
    step.instance.timers.emplace(id, Timer{purpose, at});
    step.act(ArmTimer{id, at});
    return id;
}

void cancel(Step& step, std::optional<TimerId>& timer) {
    if (!timer) return;
    step.instance.timers.erase(*timer);
    step.act(CancelTimer{*timer});
    timer.reset();
}

void change(Step& step, Worker& worker, WorkerState state) {
    worker.state = state;
    step.act(WorkerChanged{worker.id, worker.generation, worker.slot, state});
}

void change(Step& step, Generation& generation, GenerationState state, std::optional<Failure> failure,
            std::optional<Duration> soak) {
    generation.state = state;
    step.act(GenerationChanged{generation.id, state, std::move(failure), soak});
}

void reply_failed(Step& step, std::vector<Request>& requests, const Failure& failure,
                  std::optional<GenerationId> generation) {
    for (const Request& request : requests) {
        step.act(Reply{request.id, Reply::Outcome::failed, generation, failure});
    }
    requests.clear();
}

void fail(const char* invariant) {
    std::fprintf(stderr, "sup: broken invariant of the supervisor: %s\n", invariant);
    std::abort();
}

}  // namespace sup::core
