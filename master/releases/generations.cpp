#include "master/releases/generations.h"

namespace sup {

const Generation* Generations::find(std::optional<core::GenerationId> id) const {
    const auto found = id ? all_.find(*id) : all_.end();
    return found == all_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const Inbox> Generations::inbox_of(std::optional<core::GenerationId> id) const {
    const Generation* generation = find(id);
    return generation == nullptr ? nullptr : generation->inbox;
}

Listeners Generations::listeners_of(std::optional<core::GenerationId> id) const {
    const Generation* generation = find(id);
    return generation == nullptr ? Listeners{} : generation->listeners;
}

Listeners Generations::held_listeners() const {
    Listeners held;
    for (auto entry = all_.rbegin(); entry != all_.rend(); ++entry) {
        const Listeners& listeners = entry->second->listeners;
        held.insert(held.end(), listeners.begin(), listeners.end());
    }
    return held;
}

ListenerSteering::ByGeneration Generations::listeners_by_generation() const {
    ListenerSteering::ByGeneration listeners;
    for (const auto& [id, generation] : all_) listeners.emplace(id, generation->listeners);
    return listeners;
}

}  // namespace sup
