#include "master/core/deadlines.h"

#include "master/core/state.h"

namespace sup::core {

Deadlines::Deadlines(const Instance& instance) {
    const auto add = [this](const Waiter& waiter, std::optional<TimePoint> at) {
        if (at) deadlines_.emplace(*at, waiter);
    };
    for (const auto& [generation_id, generation] : instance.generations) {
        add(generation_id, generation.soaks_until);
        for (const auto& [worker_id, worker] : generation.workers) add(worker_id, deadline_of(worker));
        for (Slot slot = 0; slot < generation.slots.size(); ++slot)
            add(SlotId{generation_id, slot}, generation.slots[slot].restart_at);
    }
}

void Deadlines::move(const Waiter& waiter, std::optional<TimePoint> from, std::optional<TimePoint> to) {
    if (from) deadlines_.erase({*from, waiter});
    if (to) deadlines_.emplace(*to, waiter);
}

std::optional<TimePoint> Deadlines::next() const {
    return deadlines_.empty() ? std::nullopt : std::optional(deadlines_.begin()->first);
}

std::optional<Waiter> Deadlines::due(TimePoint now) const {
    if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
    return deadlines_.begin()->second;
}

}  // namespace sup::core
