// What the workers of each generation that is not gone are started from.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "master/handoff/relays.h"
#include "master/releases/generation.h"
#include "master/sockets/listener_steering.h"

namespace sup {

class Generations {
public:
    void add(std::shared_ptr<const Generation> generation) {
        all_.emplace(generation->id, std::move(generation));
    }
    // Forgets its pins, and closes the listeners that no other generation has.
    void release(core::GenerationId id) { all_.erase(id); }

    // Null where there is none.
    const Generation* find(std::optional<core::GenerationId> id) const;
    // One that must be there.
    const std::shared_ptr<const Generation>& at(core::GenerationId id) const { return all_.at(id); }
    // Null where there is none, or its inbox is not asked for.
    std::shared_ptr<const Inbox> inbox_of(std::optional<core::GenerationId> id) const;
    // Of one that must be there.
    Relays::Place place_of(core::GenerationId id) const { return {id, at(id)->inbox}; }
    // None where there is none.
    Listeners listeners_of(std::optional<core::GenerationId> id) const;

    // Of all generations, newest first.
    Listeners held_listeners() const;
    ListenerSteering::ByGeneration listeners_by_generation() const;

private:
    std::map<core::GenerationId, std::shared_ptr<const Generation>> all_;
};

}  // namespace sup
