#include <algorithm>

#include "master/core/state.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

InstanceState instance_state(const Instance& instance) {
    if (is_ending(instance)) return InstanceState::stopping;
    if (active_generation(instance) == nullptr) return InstanceState::starting;
    if (instance.reload || !instance.waiting.empty()) return InstanceState::reloading;
    return InstanceState::running;
}

SlotView view_of(const SlotRecord& record, Slot slot) {
    SlotView view{.slot = slot,
                  .restarts = record.spawns == 0 ? 0 : record.spawns - 1,
                  .short_lives = record.short_lives,
                  .ended_at = {},
                  .ended = {},
                  .restart_at = record.restart_at};
    if (record.last_exit) {
        view.ended_at = record.last_exit->at;
        view.ended = record.last_exit->status;
    }
    return view;
}

GenerationView view_of(const Generation& generation) {
    GenerationView view{.generation = generation.id,
                        .state = generation.state,
                        .count = static_cast<std::uint32_t>(generation.slots.size()),
                        .created_at = generation.created_at,
                        .workers = {},
                        .awaiting_restart = {},
                        .slots = {}};
    for (const auto& [id, worker] : generation.workers) {
        view.workers.push_back({id, worker.slot, state_of(worker), worker.spawned_at, worker.restarts});
    }
    std::ranges::stable_sort(view.workers, {}, &WorkerView::slot);  // they came by age
    for (Slot slot = 0; slot < view.count; ++slot) {
        if (generation.slots[slot].restart_at) view.awaiting_restart.push_back(slot);
        view.slots.push_back(view_of(generation.slots[slot], slot));
    }
    return view;
}

bool is_served(const Instance& instance, const Generation& active, Slot slot) {
    const auto worker = active.slots[slot].worker;
    const bool ready = worker && active.workers.at(*worker).is<Worker::Ready>();
    return ready || served_elsewhere(instance, active, slot);
}

void look_at_service(const Instance& instance, View& view) {
    const Generation* active = active_generation(instance);
    if (active == nullptr) return;
    view.wanted = static_cast<std::uint32_t>(active->slots.size());
    for (Slot slot = 0; slot < view.wanted; ++slot) {
        if (is_served(instance, *active, slot)) ++view.serving;
    }
}

// Its delay is over, but whether it lives this time is not known yet.
bool restarts_after_short_life(const Generation& active) {
    return std::ranges::any_of(active.slots, [&](const SlotRecord& slot) {
        return slot.short_lives > 0 && slot.worker && !active.workers.at(*slot.worker).is<Worker::Ready>();
    });
}

Health health_of(const Instance& instance, const View& view) {
    const Generation* active = active_generation(instance);
    if (active == nullptr || view.serving == 0) return Health::down;
    return view.degraded || restarts_after_short_life(*active) ? Health::degraded : Health::well;
}

}  // namespace

View Supervisor::view() const {
    View view{.state = instance_state(*instance_),
              .health = Health::well,
              .degraded = false,
              .serving = 0,
              .wanted = 0,
              .generations = {}};
    for (const auto& [id, generation] : instance_->generations)
        view.generations.push_back(view_of(generation));
    std::ranges::reverse(view.generations);
    view.degraded = std::ranges::any_of(view.generations, [](const GenerationView& generation) {
        return !generation.awaiting_restart.empty();
    });
    look_at_service(*instance_, view);
    view.health = health_of(*instance_, view);
    return view;
}

}  // namespace sup::core
