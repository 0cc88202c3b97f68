#include "master/core/step.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace sup::core {

TimePoint later(TimePoint now, Duration duration) {
    return now + std::min(duration, longest_duration);
}

void set_deadline(Step& step, Worker& worker, std::optional<TimePoint> at) {
    step.deadlines.set(worker.id, worker.deadline, at);
}

void set_deadline(Step& step, Generation& generation, std::optional<TimePoint> at) {
    step.deadlines.set(generation.id, generation.soaks_until, at);
}

void set_restart(Step& step, Generation& generation, Slot slot, std::optional<TimePoint> at) {
    step.deadlines.set(SlotId{generation.id, slot}, generation.slots.at(slot).restart_at, at);
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
