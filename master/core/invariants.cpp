#include "master/core/invariants.h"

#include <algorithm>

#include "master/core/rules.h"

namespace sup::core {
namespace {

// Until its slot is restored, after a rolling reload that failed.
bool may_serve_on(const Instance& instance, const Generation& generation, const Worker& worker) {
    return generation.state == GenerationState::aborting && is_rolling(generation) &&
           worker.is<Worker::Ready>() && active_generation(instance) != nullptr;
}

bool may_be_empty(const Instance& instance, const Generation& generation, Slot slot) {
    if (generation.state == GenerationState::active) return served_elsewhere(instance, generation, slot);
    return is_upcoming(generation) && is_rolling(generation) && active_generation(instance) != nullptr;
}

const char* broken_in_worker(const Instance& instance, const Generation& generation, const Worker& worker) {
    if (worker.id >= instance.next_worker) return "a worker's number was given out";
    if (worker.generation != generation.id) return "a worker belongs to the generation that holds it";
    if (worker.is<Worker::Spawning>() && worker.spawned) return "a spawned worker left the state spawning";
    const auto* ready = worker.as<Worker::Ready>();
    if ((worker.is<Worker::Starting>() || ready != nullptr) && !worker.spawned)
        return "a starting or ready worker was spawned";
    if (ready != nullptr && ready->soak &&
        !(is_rolling(generation) && generation.state == GenerationState::starting))
        return "a worker soaks in a rolling reload that is under way";
    if (is_leaving(generation) && !is_leaving(worker) && !may_serve_on(instance, generation, worker))
        return "all workers of a leaving generation leave";
    return nullptr;
}

const char* broken_in_slot(const Instance& instance, const Generation& generation, Slot index) {
    const SlotRecord& slot = generation.slots[index];
    if (slot.restart_at && generation.state != GenerationState::active)
        return "only the active generation restarts";
    if (slot.restart_at && slot.worker) return "a slot that waits for a restart is empty";
    if (slot.worker) {
        const auto worker = generation.workers.find(*slot.worker);
        if (worker == generation.workers.end()) return "a slot's worker lives in its generation";
        if (worker->second.slot != index) return "a slot's worker knows its slot";
        if (is_upcoming(generation) && is_leaving(worker->second))
            return "no worker of a starting generation leaves";
    }
    if (is_leaving(generation) || slot.worker || slot.restart_at) return nullptr;
    if (may_be_empty(instance, generation, index)) return nullptr;
    return "a slot has a worker, waits for one, or is served by another generation's";
}

const char* broken_in_generation(const Instance& instance, const Generation& generation) {
    if (generation.id >= instance.next_generation) return "a generation's number was given out";
    if (generation.state == GenerationState::gone) return "a generation that is gone is forgotten";
    if (!is_valid(generation.policy)) return "a generation's policy is valid";
    if (generation.slots.empty()) return "a generation has a slot";
    if (is_leaving(generation) && generation.workers.empty()) return "a leaving generation has workers";
    if (generation.soaks_until.has_value() != (generation.state == GenerationState::soaking)) {
        return "a generation soaks until its deadline";
    }
    if (is_rolling(generation) && generation.soaks_until)
        return "in a rolling reload each worker soaks by itself";
    if (is_upcoming(generation) && !(instance.reload && instance.reload->generation == generation.id)) {
        return "a starting generation belongs to the reload under way";
    }
    for (const auto& [id, worker] : generation.workers) {
        if (const char* broken = broken_in_worker(instance, generation, worker)) return broken;
    }
    for (Slot slot = 0; slot < generation.slots.size(); ++slot) {
        if (const char* broken = broken_in_slot(instance, generation, slot)) return broken;
    }
    return nullptr;
}

const char* broken_in_reload(const Instance& instance) {
    if (!instance.reload) return nullptr;
    const auto generation = instance.generations.find(instance.reload->generation);
    if (generation == instance.generations.end()) {
        return instance.reload->generation == instance.next_generation ? nullptr
                                                                       : "a reload prepares the next number";
    }
    return is_upcoming(generation->second) ? nullptr : "a reload's generation is not active yet";
}

const char* broken_in_end(const Instance& instance) {
    if (!is_ending(instance)) {
        return instance.exited || !instance.stop_requests.empty() ? "a stopped instance ends" : nullptr;
    }
    const int code = instance.exit_code.value_or(-1);
    if (code < 0 || code > 1) return "an instance exits with 0 or 1";
    if (!instance.waiting.empty()) return "no reload waits in an ending instance";
    const bool all_leave =
        std::ranges::all_of(instance.generations, [](const auto& entry) { return is_leaving(entry.second); });
    if (!all_leave) return "all generations of an ending instance leave";
    const bool empty = instance.generations.empty() && !instance.reload;
    return instance.exited == empty ? nullptr : "an instance exits when nothing is left";
}

}  // namespace

const char* broken_invariant(const Instance& instance) {
    for (const auto& [id, generation] : instance.generations) {
        if (const char* broken = broken_in_generation(instance, generation)) return broken;
    }
    const auto active = std::ranges::count_if(instance.generations, [](const auto& entry) {
        return entry.second.state == GenerationState::active;
    });
    if (active > 1) return "at most one generation is active";
    for (const DrainedWaiter& waiter : instance.drained_waiters) {
        if (!instance.generations.contains(waiter.replaced))
            return "who waits for a drain waits for a generation";
    }
    if (wanted_handoffs(instance) != instance.told) return "everybody was told where to hand over to";
    if (const char* broken = broken_in_reload(instance)) return broken;
    return broken_in_end(instance);
}

}  // namespace sup::core
