// A worker from its spawn to its exit.
#include <algorithm>
#include <utility>

#include "master/core/rules.h"

namespace sup::core {
namespace {

Generation& generation_of(Step& step, const Worker& worker) {
    Generation* generation = find_generation(step.instance, worker.generation);
    require(generation != nullptr, "a worker's generation lives as long as the worker");
    return *generation;
}

void became_ready(Step& step, Worker& worker) {
    change(step, worker, Worker::Ready{});
    step.act(RestoreSockets{worker.generation, id_of(active_generation(step.instance))});
    begin_slot_soak(step, generation_of(step, worker), worker);
}

// What the exit of a worker means for the reload of its generation, if that is not active yet.
Failure failure_of(const Step& step, const Generation& generation, const Worker& worker, ExitStatus status) {
    if (generation.state == GenerationState::soaking)
        return failure::CrashedInSoak{worker.id, worker.slot, status, soak_of(step.instance, generation)};
    const auto* served = is_rolling(generation) ? worker.as<Worker::Ready>() : nullptr;
    if (served == nullptr) return failure::ExitedBeforeReady{worker.id, worker.slot, status};
    if (served->soak) return failure::CrashedInSoak{worker.id, worker.slot, status, served->soak->length};
    return failure::ExitedBeforePromotion{worker.id, worker.slot, status};
}

// Its process is gone, or never was: what that means is decided by what its generation is doing.
void ended(Step& step, const Worker& gone, std::optional<ExitStatus> status, const Failure& failure) {
    Generation& generation = generation_of(step, gone);
    const Worker worker = gone;
    step.deadlines.move(worker.id, deadline_of(worker), std::nullopt);
    step.act(WorkerChanged{worker.id, worker.generation, worker.slot, WorkerState::exited});
    SlotRecord* slot = slot_of(generation, worker);
    if (slot != nullptr) {
        slot->worker.reset();
        slot->last_exit = LastExit{status, step.now};
    }
    generation.workers.erase(worker.id);

    switch (generation.state) {
        case GenerationState::soaking:
        case GenerationState::starting: abort_reload(step, generation, failure); break;
        case GenerationState::active: {
            if (slot == nullptr) break;  // scaled down
            const bool lived = worker.is<Worker::Ready>() &&
                               step.now - worker.spawned_at >= generation.policy.restart_min_uptime;
            restart(step, generation, worker.slot, !lived);
            break;
        }
        case GenerationState::draining:
        case GenerationState::aborting: break;
        case GenerationState::gone: fail("a generation with a worker is not gone");
    }
}

// It has lived for its delay, or its time is up.
void readiness_due(Step& step, Worker& worker) {
    Generation& generation = generation_of(step, worker);
    if (generation.policy.ready_after) return became_ready(step, worker);
    kill(step, worker, Kill::Reason::ready_timeout);
    if (generation.state != GenerationState::starting)
        return;  // a restarted worker: its exit counts as a short life
    abort_reload(step, generation, failure::ReadyTimeout{worker.id, worker.slot});
}

}  // namespace

void spawn(Step& step, Generation& generation, Slot slot) {
    SlotRecord& record = generation.slots.at(slot);
    require(!record.worker && !record.restart_at, "a slot is empty when a worker is spawned into it");
    const WorkerId id = step.instance.next_worker;
    step.instance.next_worker = WorkerId{static_cast<std::uint64_t>(id) + 1};
    record.worker = id;
    const Worker fresh{.id = id,
                       .generation = generation.id,
                       .slot = slot,
                       .spawned_at = step.now,
                       .restarts = record.spawns++};
    Worker& worker = generation.workers.emplace(id, fresh).first->second;
    step.act(Spawn{id, generation.id, slot});
    change(step, worker, Worker::Spawning{});
}

void on(Step& step, const WorkerSpawned& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || worker->spawned) return;
    worker->spawned = true;
    worker->spawned_at = step.now;
    if (!worker->is<Worker::Spawning>()) return;  // told to end meanwhile
    const Policy& policy = generation_of(step, *worker).policy;
    const Duration time = policy.ready_after.value_or(policy.ready_timeout);
    change(step, *worker, Worker::Starting{later(step.now, time)});
}

void on(Step& step, const SpawnFailed& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || worker->spawned) return;
    ended(step, *worker, {}, failure::SpawnFailed{worker->id, worker->slot, event.reason});
}

void on(Step& step, const WorkerReady& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || !worker->is<Worker::Starting>()) return;
    if (generation_of(step, *worker).policy.ready_after) return;
    became_ready(step, *worker);
}

void on(Step& step, const WorkerExtendedTimeout& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || !worker->is<Worker::Starting>()) return;
    if (generation_of(step, *worker).policy.ready_after) return;
    const TimePoint wanted = later(step.now, event.extension);
    if (wanted <= deadline_of(*worker)) return;
    set_state(step, *worker, Worker::Starting{wanted});
}

// Of one that serves nothing is changed: a slot that stays empty is worse.
void on(Step& step, const WorkerOutOfReach& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || !worker->spawned || is_leaving(*worker)) return;
    Generation& generation = generation_of(step, *worker);
    if (!is_upcoming(generation)) return;
    if (is_rolling(generation) && serves(generation, worker->slot)) return;  // its predecessor has left
    const failure::OutOfReach failure{worker->id, worker->slot, event.reason};
    kill(step, *worker, Kill::Reason::aborted);
    abort_reload(step, generation, failure);
}

void on(Step& step, const WorkerAbandoned& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || !worker->is<Worker::Killing>()) return;
    ended(step, *worker, {}, failure::OutOfReach{worker->id, worker->slot});
}

void on(Step& step, const WorkerExited& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr) return;
    ended(step, *worker, event.status, failure_of(step, generation_of(step, *worker), *worker, event.status));
}

void deadline_reached(Step& step, WorkerId id) {
    Worker* worker = find_worker(step.instance, id);
    require(worker != nullptr, "a worker's deadline ends with it");
    switch (state_of(*worker)) {
        case WorkerState::starting: readiness_due(step, *worker); break;
        // It takes over its slot when the step settles.
        case WorkerState::ready: set_state(step, *worker, Worker::Ready{}); break;
        case WorkerState::draining: kill(step, *worker, Kill::Reason::drain_timeout); break;
        case WorkerState::spawning:
        case WorkerState::killing:
        case WorkerState::exited: fail("a worker has the deadline of its state");
    }
}

}  // namespace sup::core
