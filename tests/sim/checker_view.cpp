#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {
namespace {

using namespace core;

void require_true_view(bool holds, const char* detail) {
    require(holds, Property::view_true, detail);
}

InstanceState state_of(const Model& model) {
    const auto is = [&](GenerationState state) {
        return std::any_of(model.generations.begin(), model.generations.end(),
                           [&](const GenerationModel& g) { return g.state == state; });
    };
    if (model.ending) return InstanceState::stopping;
    if (!is(GenerationState::active)) return InstanceState::starting;
    return model.current.empty() && model.next.empty() ? InstanceState::running : InstanceState::reloading;
}

void compare_worker(const Model& model, GenerationId generation, const WorkerView& view) {
    const auto worker = std::find_if(model.workers.begin(), model.workers.end(),
                                     [&](const Worker& w) { return w.id == view.worker; });
    require_true_view(worker != model.workers.end() && worker->generation == generation,
                      "a worker is shown that is not there");
    require_true_view(
        worker->slot == view.slot && worker->state == view.state && worker->spawned_at == view.spawned_at,
        "a worker is not as it is shown");
    require_true_view(worker->restarts == view.restarts, "a worker's restarts are counted wrongly");
}

void compare_generation(const Model& model, const GenerationModel& generation, const GenerationView& view) {
    require_true_view(generation.id == view.generation && generation.state == view.state,
                      "a generation is not as it is shown");
    require_true_view(generation.created_at == view.created_at, "a generation's age is wrong");
    require_true_view(generation.count() == view.count, "a generation's count is wrong");
    require_true_view(std::is_sorted(view.workers.begin(), view.workers.end(),
                                     [](const WorkerView& a, const WorkerView& b) {
                                         return a.slot != b.slot ? a.slot < b.slot : a.worker < b.worker;
                                     }),
                      "workers are not in the order of their slots and ages");
    for (const WorkerView& worker : view.workers) compare_worker(model, generation.id, worker);
    std::vector<Slot> awaiting;
    for (Slot slot = 0; slot < generation.count(); ++slot) {
        if (generation.slots[slot].restart_at) awaiting.push_back(slot);
        require_true_view(view.slots.at(slot).restart_at == generation.slots[slot].restart_at,
                          "it is shown wrongly when a slot restarts");
    }
    require_true_view(awaiting == view.awaiting_restart,
                      "the slots that wait for their restart are not those shown");
}

bool serves(const Model& model, const GenerationModel& active, Slot slot) {
    const auto worker = active.slots[slot].worker;
    const bool ready =
        worker && std::any_of(model.workers.begin(), model.workers.end(), [&](const Worker& w) {
            return w.id == *worker && w.state == WorkerState::ready;
        });
    return ready || model.served_beside(active, slot);
}

}  // namespace

void Checker::compare(const View& view) const {
    if (model_.exited) return;
    require_true_view(view.state == state_of(model_), "the instance's state is not the one shown");
    require_true_view(view.generations.size() == model_.generations.size(),
                      "there are not as many generations as are shown");
    std::size_t workers = 0;
    bool degraded = false;
    for (std::size_t i = 0; i < view.generations.size(); ++i) {
        const GenerationModel& generation = model_.generations[model_.generations.size() - 1 - i];
        compare_generation(model_, generation, view.generations[i]);
        workers += view.generations[i].workers.size();
        degraded = degraded || !view.generations[i].awaiting_restart.empty();
    }
    require_true_view(workers == model_.workers.size(), "there are not as many workers as are shown");
    std::uint32_t serving = 0;
    for (const GenerationModel& active : model_.generations) {
        if (active.state != GenerationState::active) continue;
        for (Slot slot = 0; slot < active.count(); ++slot) {
            if (serves(model_, active, slot)) ++serving;
        }
        require_true_view(view.wanted == active.count(), "not as many workers are wanted as are shown");
    }
    require_true_view(serving == view.serving, "not as many workers serve as are shown");
    require_true_view(degraded == view.degraded, "degraded is shown wrongly");
}

}  // namespace sup::sim
