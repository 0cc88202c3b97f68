// Connections on their way out of closed inboxes, also when the generation that they were in is gone.
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>

#include "master/core/ids.h"
#include "master/handoff/inbox_relay.h"

namespace sup {

// Main thread only.
class Relays {
public:
    struct Callbacks {
        // Connections that were in that generation's inbox.
        std::function<void(core::GenerationId from, core::GenerationId to, std::size_t connections)> moved;
        std::function<void(core::GenerationId from, std::size_t connections)> lost;  // nobody takes them
    };
    Relays(uv_loop_t* loop, Callbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}
    Relays(const Relays&) = delete;
    Relays& operator=(const Relays&) = delete;

    // A generation's inbox; the generation may be gone before its inbox is empty.
    struct Place {
        core::GenerationId generation;
        std::shared_ptr<const Inbox> inbox;
    };
    // Moves what can be moved now; the rest later.
    void move(const Place& from, const Place& to);
    // Sends what is on its way into that generation to `next` instead; with null, nobody takes it.
    void redirect(core::GenerationId away_from, const Place* next);
    // Closes what is in there and has nowhere to go.
    void discard(const Place& place);
    // The end.
    void clear() { moving_.clear(); }

private:
    struct Moving {
        core::GenerationId to;
        std::unique_ptr<InboxRelay> relay;
    };

    uv_loop_t* loop_;
    Callbacks callbacks_;
    std::list<Moving> moving_;
};

}  // namespace sup
