// Moves what is left in a closed inbox into another one, as fast as workers take from that one.
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/retry.h"
#include "common/unix_message.h"
#include "master/handoff/inbox.h"

namespace sup {

// Main thread only. Holds both inboxes open until it is done.
class InboxRelay {
public:
    struct Outcome {
        std::size_t moved = 0;
        std::size_t lost = 0;  // closed, because nobody takes them
    };
    // `done` is called once, from within one of the functions below or from the loop, as the last thing; it
    // may destroy the relay.
    InboxRelay(uv_loop_t* loop, std::shared_ptr<const Inbox> from, std::shared_ptr<const Inbox> to,
               std::function<void(const Outcome&)> done);
    InboxRelay(const InboxRelay&) = delete;
    InboxRelay& operator=(const InboxRelay&) = delete;

    // Moves what can be moved now; the rest later. Never blocks.
    void move();
    // Sends the rest there instead. Null: nobody takes it, and it is closed.
    void redirect(std::shared_ptr<const Inbox> to);

    const std::shared_ptr<const Inbox>& from() const { return from_; }

private:
    struct Packet {
        std::vector<char> bytes;
        std::vector<UniqueFd> descriptors;
    };
    enum class Taken { one, none_left, no_descriptor };

    Taken take_one();
    void finish();

    std::shared_ptr<const Inbox> from_;
    std::shared_ptr<const Inbox> to_;
    std::function<void(const Outcome&)> done_;
    std::optional<Packet> held_;  // taken, and not yet moved
    Outcome outcome_;
    Retry retry_;
};

}  // namespace sup
