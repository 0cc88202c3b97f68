#include "master/core/step.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sup::core {

TimePoint later(TimePoint now, Duration duration) {
    return now + std::min(duration, longest_duration);
}

void set_state(Step& step, Worker& worker, const Worker::State& state) {
    const std::optional<TimePoint> before = deadline_of(worker);
    worker.state = state;
    step.deadlines.move(worker.id, before, deadline_of(worker));
}

void set_deadline(Step& step, Generation& generation, std::optional<TimePoint> at) {
    step.deadlines.move(generation.id, std::exchange(generation.soaks_until, at), at);
}

void set_restart(Step& step, Generation& generation, Slot slot, std::optional<TimePoint> at) {
    std::optional<TimePoint>& restart_at = generation.slots.at(slot).restart_at;
    step.deadlines.move(SlotId{generation.id, slot}, std::exchange(restart_at, at), at);
}

void change(Step& step, Worker& worker, const Worker::State& state) {
    set_state(step, worker, state);
    step.act(WorkerChanged{worker.id, worker.generation, worker.slot, state_of(worker)});
}

void change(Step& step, Generation& generation, GenerationState state, std::optional<Failure> failure,
            std::optional<Duration> soak) {
    generation.state = state;
    step.act(GenerationChanged{generation.id, state, std::move(failure), soak});
}

void reply_failed(Step& step, std::vector<Request>& requests, const Failure& failure,
                  std::optional<GenerationId> generation) {
    for (const Request& request : requests) {
        step.act(Reply{request.id, Reply::Failed{generation, failure}});
    }
    requests.clear();
}

void fail(const char* invariant) {
    std::fprintf(stderr, "sup: broken invariant of the supervisor: %s\n", invariant);
    std::abort();
}

}  // namespace sup::core
