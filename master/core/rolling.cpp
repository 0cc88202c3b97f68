// A rolling reload replaces slot by slot: a new worker starts and is ready, and has soaked; then its
// predecessor, the worker in the same slot of the generation that it replaces, drains; when that has ended
// the step is over. At most max_surge slots are in a step at once, so there are never more processes than
// slots and max_surge together, those that drain included.
//
// A reload that fails midway is undone in the same way: the new workers that serve go on, and each is drained
// when its slot's worker of the old generation is ready again. It is no reload any more: the next one
// may begin meanwhile, and takes over each slot from whoever serves it.
#include <algorithm>
#include <vector>

#include "master/core/rules.h"

namespace sup::core {
namespace {

bool is_empty(const SlotRecord& slot) {
    return !slot.worker && !slot.restart_at;
}

// Whose workers share the slots of the roll. Generations that an earlier reload has replaced do not.
bool takes_part(const Generation& generation) {
    return generation.state == GenerationState::active ||
           (is_rolling(generation) && generation.state != GenerationState::draining);
}

// Nobody of the active generation comes into this slot any more, unless it is given back.
void vacate(Step& step, Generation& active, Slot slot, GenerationId successor) {
    set_restart(step, active, slot, std::nullopt);
    SlotRecord& record = active.slots[slot];
    const SlotRecord left = record;
    record.worker.reset();
    record.spoke = false;
    slot_left(active, left, successor);
}

// A worker is replaced. It leaves its slot at once, so that its exit restarts nothing.
void replace(Step& step, Generation& old, Worker& worker, GenerationId successor) {
    if (slot_of(old, worker) != nullptr && old.state == GenerationState::active)
        vacate(step, old, worker.slot, successor);
    drain(step, worker, successor);
}

// Whoever else is in a slot that the upcoming generation serves must go.
void pass_on_slots(Step& step, const Generation& next) {
    for (auto& [id, old] : step.instance.generations) {
        if (id == next.id || !takes_part(old)) continue;
        for (auto& [worker_id, worker] : old.workers) {
            if (!is_leaving(worker) && serves(next, worker.slot)) replace(step, old, worker, next.id);
        }
    }
}

// What failed keeps a slot until the active generation serves it again; not at all where that has no such
// slot, or where one that failed before serves it still.
void give_back_slots(Step& step, const Generation& active) {
    auto& generations = step.instance.generations;
    for (auto entry = generations.rbegin(); entry != generations.rend(); ++entry) {
        Generation& failed = entry->second;
        if (!still_serves(failed)) continue;
        for (auto& [worker_id, worker] : failed.workers) {
            if (worker.slot >= active.slots.size() || serves(active, worker.slot) ||
                served_elsewhere(step.instance, failed, worker.slot))
                drain(step, worker, active.id);
        }
    }
}

// A slot that waits for its restart, while somebody else serves it, leaves its place to the next reload. So
// that gets its turn also when the active generation cannot be restored.
void give_up_restarts(Step& step, Generation& active, GenerationId successor) {
    for (Slot slot = 0; slot < active.slots.size(); ++slot) {
        if (active.slots[slot].restart_at && served_elsewhere(step.instance, active, slot))
            vacate(step, active, slot, successor);
    }
}

// A slot that nobody serves does not wait for its turn.
void fill_gaps(Step& step, Generation& active) {
    for (Slot slot = 0; slot < active.slots.size(); ++slot) {
        if (is_empty(active.slots[slot]) && !served_elsewhere(step.instance, active, slot))
            spawn(step, active, slot);
    }
}

// How many processes each slot has, or will get again.
std::vector<std::uint32_t> occupants(const Instance& instance) {
    std::vector<std::uint32_t> counts;
    const auto add = [&counts](Slot slot) {
        if (slot >= counts.size()) counts.resize(slot + std::size_t{1});
        ++counts[slot];
    };
    for (const auto& [id, generation] : instance.generations) {
        if (!takes_part(generation)) continue;
        for (const auto& [worker_id, worker] : generation.workers) add(worker.slot);
        for (Slot slot = 0; slot < generation.slots.size(); ++slot) {
            if (generation.slots[slot].restart_at) add(slot);
        }
    }
    return counts;
}

std::uint32_t max_surge(const Instance& instance) {
    for (auto entry = instance.generations.rbegin(); entry != instance.generations.rend(); ++entry) {
        const Generation& generation = entry->second;
        if (is_rolling(generation) && (is_upcoming(generation) || still_serves(generation)))
            return *generation.policy.max_surge;
    }
    return 1;
}

// Begins as many steps towards `target` as max_surge allows.
void begin_steps(Step& step, Generation& target) {
    std::vector<std::uint32_t> occupied = occupants(step.instance);
    occupied.resize(std::max(occupied.size(), target.slots.size()));
    const auto in_a_step = [&](Slot slot) {
        const bool awaited = is_upcoming(target) && slot < target.slots.size() && target.slots[slot].worker &&
                             !serves(target, slot);
        return occupied[slot] > 1 || awaited;
    };
    std::uint32_t steps = 0;
    for (Slot slot = 0; slot < occupied.size(); ++slot) steps += in_a_step(slot) ? 1 : 0;
    const std::uint32_t most = max_surge(step.instance);
    for (Slot slot = 0; slot < target.slots.size() && steps < most; ++slot) {
        if (!is_empty(target.slots[slot]) || occupied[slot] > 1) continue;
        spawn(step, target, slot);
        ++steps;
    }
}

// The first step is the release's trial. When one of its workers has passed it, the others are spared it.
Duration soak_of(const Instance& instance, const Generation& generation, const Worker& worker) {
    const Policy& policy = generation.policy;
    if (active_generation(instance) == nullptr) return policy.start_soak;
    for (Slot slot = 0; slot < generation.slots.size(); ++slot) {
        if (slot != worker.slot && serves(generation, slot)) return policy.later_soak;
    }
    return policy.soak;
}

}  // namespace

void begin_slot_soak(Step& step, const Generation& generation, Worker& worker) {
    if (!is_rolling(generation) || generation.state != GenerationState::starting) return;
    const Duration soak = soak_of(step.instance, generation, worker);
    if (soak == Duration{0}) return;
    set_state(step, worker, Worker::Ready{Worker::Soak{later(step.now, soak), soak}});
}

void roll(Step& step) {
    Instance& instance = step.instance;
    Generation* active = active_generation(instance);
    if (is_ending(instance) || active == nullptr) return;
    Generation* next = upcoming_generation(instance);
    if (next != nullptr && !is_rolling(*next)) next = nullptr;
    const bool undone = std::ranges::any_of(instance.generations, [](const auto& entry) {
        return is_rolling(entry.second) && entry.second.state == GenerationState::aborting;
    });
    if (next == nullptr && !undone) return;
    if (next != nullptr) {
        pass_on_slots(step, *next);
        give_up_restarts(step, *active, next->id);
    }
    give_back_slots(step, *active);
    fill_gaps(step, *active);
    begin_steps(step, next != nullptr ? *next : *active);
}

void drain_those_still_serving(Step& step) {
    for (auto& [id, generation] : step.instance.generations) {
        if (!still_serves(generation)) continue;
        for (auto& [worker_id, worker] : generation.workers) drain(step, worker, std::nullopt);
    }
}

}  // namespace sup::core
