// How workers and generations leave: told to drain, killed at their deadline, released when nothing of them
// is left.
#include <algorithm>

#include "master/core/rules.h"

namespace sup::core {
namespace {

void answer_drained_waiters(Step& step, GenerationId gone) {
    for (const DrainedWaiter& waiter : step.instance.drained_waiters) {
        if (waiter.replaced != gone) continue;
        step.act(Reply{waiter.request, Reply::Promoted{waiter.promoted, WaitFor::drained}});
    }
    std::erase_if(step.instance.drained_waiters,
                  [&](const DrainedWaiter& waiter) { return waiter.replaced == gone; });
}

// The newer of the two generations is the reload's, whichever of them leaves.
std::optional<GenerationId> reload_of(const Worker& worker, std::optional<GenerationId> successor) {
    if (!successor || *successor == worker.generation) return std::nullopt;
    return std::max(worker.generation, *successor);
}

// Nothing of a reload that failed is left.
bool is_forgotten(const Step& step, const Generation& serving, GenerationId gone) {
    return gone > serving.id && step.instance.generations.rbegin()->first == serving.id;
}

}  // namespace

void drain(Step& step, Worker& worker, std::optional<GenerationId> successor) {
    if (is_leaving(worker)) return;
    const Generation* generation = find_generation(step.instance, worker.generation);
    require(generation != nullptr, "a worker's generation lives as long as the worker");
    // Where its connections go is said when the step is over.
    step.act(
        Drain{worker.id, successor, {}, slots_of(step.instance, successor), reload_of(worker, successor)});
    change(step, worker, Worker::Draining{later(step.now, generation->policy.drain_timeout), successor});
}

void kill(Step& step, Worker& worker, Kill::Reason reason) {
    if (worker.is<Worker::Killing>()) return;
    step.act(Kill{worker.id, reason});
    change(step, worker, Worker::Killing{});
}

void drain(Step& step, Generation& generation, std::optional<GenerationId> successor) {
    change(step, generation, GenerationState::draining);
    for (Slot slot = 0; slot < generation.slots.size(); ++slot)
        set_restart(step, generation, slot, std::nullopt);
    for (auto& [id, worker] : generation.workers) drain(step, worker, successor);
}

void release_the_gone(Step& step) {
    auto& generations = step.instance.generations;
    for (auto it = generations.begin(); it != generations.end();) {
        Generation& generation = it->second;
        if (!is_leaving(generation) || !generation.workers.empty()) {
            ++it;
            continue;
        }
        const GenerationId id = generation.id;
        change(step, generation, GenerationState::gone);
        it = generations.erase(it);
        step.act(Release{id});
        if (const Generation* active = active_generation(step.instance))
            step.act(RestoreSockets{active->id, active->id, is_forgotten(step, *active, id)});
        answer_drained_waiters(step, id);
    }
}

}  // namespace sup::core
