// One worker more or less, until the next reload reads the configuration again.
#include "master/core/rules.h"

namespace sup::core {
namespace {

void announce_count(Step& step, const Generation& generation) {
    step.act(CountChanged{generation.id, static_cast<std::uint32_t>(generation.slots.size())});
}

}  // namespace

void on(Step& step, const AddWorkerRequested&) {
    Generation* generation = active_generation(step.instance);
    if (generation == nullptr) return;
    const Slot slot = static_cast<Slot>(generation->slots.size());
    generation->slots.emplace_back();
    announce_count(step, *generation);
    // In a rolling reload the slot may have been passed on before it was there.
    if (!served_elsewhere(step.instance, *generation, slot)) spawn(step, *generation, slot);
}

// The worker leaves its slot at once, so its exit restarts nothing and the slot's index may be given out
// again while it still drains.
void on(Step& step, const RemoveWorkerRequested&) {
    Generation* generation = active_generation(step.instance);
    if (generation == nullptr || generation->slots.size() == 1) return;
    set_restart(step, *generation, static_cast<Slot>(generation->slots.size() - 1), std::nullopt);
    const SlotRecord removed = generation->slots.back();
    generation->slots.pop_back();
    announce_count(step, *generation);
    slot_left(*generation, removed, std::nullopt);
    if (removed.worker) drain(step, generation->workers.at(*removed.worker), generation->id);
}

}  // namespace sup::core
