#include "master/handoff/relays.h"

#include <algorithm>

namespace sup {

void Relays::move(const Place& from, const Place& to) {
    const auto entry = moving_.insert(moving_.end(), Moving{to.generation, nullptr});
    const auto done = [this, from = from.generation, entry](const InboxRelay::Outcome& outcome) {
        if (outcome.moved > 0) callbacks_.moved(from, entry->to, outcome.moved);
        if (outcome.lost > 0) callbacks_.lost(from, outcome.lost);
        moving_.erase(entry);
    };
    entry->relay = std::make_unique<InboxRelay>(loop_, from.inbox, to.inbox, done);
    entry->relay->move();
}

void Relays::redirect(core::GenerationId away_from, const Place* next) {
    for (auto entry = moving_.begin(); entry != moving_.end();) {
        Moving& moving = *entry++;  // which may be done with this, and gone
        if (moving.to != away_from) continue;
        if (next != nullptr) moving.to = next->generation;
        moving.relay->redirect(next == nullptr ? nullptr : next->inbox);
    }
}

void Relays::discard(const Place& place) {
    const auto empties_it = [&](const Moving& moving) { return moving.relay->from() == place.inbox; };
    if (std::ranges::any_of(moving_, empties_it)) return;
    const std::size_t connections = place.inbox->discard();
    if (connections > 0) callbacks_.lost(place.generation, connections);
}

}  // namespace sup
