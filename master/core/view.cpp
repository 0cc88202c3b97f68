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

GenerationView view_of(const Generation& generation) {
    GenerationView view{.generation = generation.id,
                        .state = generation.state,
                        .count = static_cast<std::uint32_t>(generation.slots.size()),
                        .created_at = generation.created_at,
                        .workers = {},
                        .awaiting_restart = {}};
    for (const auto& [id, worker] : generation.workers) {
        view.workers.push_back({id, worker.slot, worker.state, worker.spawned_at, worker.restarts});
    }
    std::ranges::stable_sort(view.workers, {}, &WorkerView::slot);  // they came by age
    for (Slot slot = 0; slot < view.count; ++slot) {
        if (generation.slots[slot].restart) view.awaiting_restart.push_back(slot);
    }
    return view;
}

}  // namespace

View Supervisor::view() const {
    View view{.state = instance_state(*instance_), .degraded = false, .generations = {}};
    for (const auto& [id, generation] : instance_->generations)
        view.generations.push_back(view_of(generation));
    std::ranges::reverse(view.generations);
    view.degraded = std::ranges::any_of(view.generations, [](const GenerationView& generation) {
        return !generation.awaiting_restart.empty();
    });
    return view;
}

}  // namespace sup::core
