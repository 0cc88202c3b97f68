#include "master/core/state.h"

#include <algorithm>

namespace sup::core {

bool is_valid(const Policy& policy) {
    const auto sane = [](Duration duration) {
        return duration >= Duration{0} && duration <= longest_duration;
    };
    return policy.count >= 1 && policy.max_draining >= 1 && policy.max_surge.value_or(1) >= 1 &&
           sane(policy.ready_after.value_or(Duration{0})) && sane(policy.ready_timeout) &&
           sane(policy.drain_timeout) && sane(policy.soak) && sane(policy.later_soak) &&
           sane(policy.start_soak) && sane(policy.restart_min_uptime) && sane(policy.backoff_min) &&
           sane(policy.backoff_max);
}

bool is_ending(const Instance& instance) {
    return instance.exit_code.has_value();
}

bool is_preparing(const Instance& instance) {
    return instance.reload && !instance.generations.contains(instance.reload->generation);
}

WorkerState state_of(const Worker& worker) {
    return std::visit([](const auto& state) { return state.state; }, worker.state);
}

std::optional<TimePoint> deadline_of(const Worker& worker) {
    if (const auto* starting = worker.as<Worker::Starting>()) return starting->deadline;
    if (const auto* draining = worker.as<Worker::Draining>()) return draining->deadline;
    const auto* ready = worker.as<Worker::Ready>();
    return ready != nullptr && ready->soak ? std::optional(ready->soak->deadline) : std::nullopt;
}

bool is_leaving(const Worker& worker) {
    return worker.is<Worker::Draining>() || worker.is<Worker::Killing>();
}

bool is_leaving(const Generation& generation) {
    return generation.state == GenerationState::draining || generation.state == GenerationState::aborting;
}

bool is_upcoming(const Generation& generation) {
    return generation.state == GenerationState::starting || generation.state == GenerationState::soaking;
}

bool is_rolling(const Generation& generation) {
    return generation.policy.max_surge.has_value();
}

bool still_serves(const Generation& generation) {
    return generation.state == GenerationState::aborting &&
           std::ranges::any_of(generation.workers,
                               [](const auto& entry) { return !is_leaving(entry.second); });
}

bool serves(const Generation& generation, Slot slot) {
    if (slot >= generation.slots.size() || !generation.slots[slot].worker) return false;
    const auto worker = generation.workers.find(*generation.slots[slot].worker);
    if (worker == generation.workers.end()) return false;
    const auto* ready = worker->second.as<Worker::Ready>();
    return ready != nullptr && !ready->soak;
}

bool served_elsewhere(const Instance& instance, const Generation& generation, Slot slot) {
    return std::ranges::any_of(instance.generations, [&](const auto& entry) {
        const Generation& other = entry.second;
        return other.id != generation.id && is_rolling(other) &&
               (is_upcoming(other) || other.state == GenerationState::aborting) && serves(other, slot);
    });
}

std::uint32_t leaving_generations(const Instance& instance) {
    return static_cast<std::uint32_t>(std::ranges::count_if(instance.generations, [](const auto& entry) {
        return is_leaving(entry.second) && !still_serves(entry.second);
    }));
}

const Generation* find_generation(const Instance& instance, GenerationId id) {
    const auto found = instance.generations.find(id);
    return found == instance.generations.end() ? nullptr : &found->second;
}

Generation* find_generation(Instance& instance, GenerationId id) {
    return const_cast<Generation*>(find_generation(std::as_const(instance), id));
}

const Generation* active_generation(const Instance& instance) {
    for (const auto& [id, generation] : instance.generations) {
        if (generation.state == GenerationState::active) return &generation;
    }
    return nullptr;
}

Generation* active_generation(Instance& instance) {
    return const_cast<Generation*>(active_generation(std::as_const(instance)));
}

Generation* upcoming_generation(Instance& instance) {
    return instance.reload ? find_generation(instance, instance.reload->generation) : nullptr;
}

Worker* find_worker(Instance& instance, WorkerId id) {
    for (auto& [generation_id, generation] : instance.generations) {
        const auto found = generation.workers.find(id);
        if (found != generation.workers.end()) return &found->second;
    }
    return nullptr;
}

std::optional<GenerationId> id_of(const Generation* generation) {
    return generation == nullptr ? std::nullopt : std::optional(generation->id);
}

std::uint32_t slots_of(const Instance& instance, std::optional<GenerationId> generation) {
    const auto found = generation ? instance.generations.find(*generation) : instance.generations.end();
    return found == instance.generations.end() ? 0 : static_cast<std::uint32_t>(found->second.slots.size());
}

SlotRecord* slot_of(Generation& generation, const Worker& worker) {
    if (worker.slot >= generation.slots.size()) return nullptr;
    SlotRecord& slot = generation.slots[worker.slot];
    return slot.worker == worker.id ? &slot : nullptr;
}

}  // namespace sup::core
