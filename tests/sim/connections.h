// The connections of the fake world, as tokens, and the inboxes that they travel through. Here is what the
// shell and a worker that speaks the channel do with them; when something happens is the world's affair.
//
// What is expected of such a worker:
//  * While it serves, it takes from its own generation's inbox.
//  * It keeps what an inbox that is full does not take, and tries again.
//  * It reads its channel at the drain signal, later when it comes to it, and before it ends a connection.
//    So it may put connections into an inbox that it was sent on from.
//  * Draining, it leaves its own generation's inbox to the peers that stay, until that is closed. From then
//    on it takes from it, to serve or to pass on what comes, and ends only when it has emptied it and holds
//    no connection.
//  * When its time is nearly up, it ends what it holds, and takes nothing more.
//  * What it puts into the inbox of a generation that was closed or released stays with it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "master/core/ids.h"
#include "tests/sim/coverage.h"
#include "tests/sim/trace.h"

namespace sup::sim {

// Connections that nobody holds, in an inbox or lost with it.
struct Unheld {
    std::uint32_t forgotten = 0;
    std::uint32_t bereft = 0;  // whoever was to take them was killed or crashed, or had no time left

    std::uint32_t all() const { return forgotten + bereft; }
};

class Connections {
public:
    Connections(Coverage& coverage, const Trace& trace) : coverage_(coverage), trace_(trace) {}

    // An inbox lives from its generation's preparation to its release, or longer, while what was forwarded
    // does not fit where it goes.
    void prepared(core::GenerationId generation, std::uint32_t capacity);
    void close(core::GenerationId generation, std::optional<core::GenerationId> successor);
    void reopen(core::GenerationId generation, core::WorkerId worker);
    void forward(core::GenerationId from, core::GenerationId to);
    void release(core::GenerationId generation);
    // What was forwarded, as much of it as there is room for.
    void move_on();
    bool something_waits() const;

    // A worker, from the opening of its channel to its end; nothing is done by one that has not opened it.
    void opened(core::WorkerId worker, core::GenerationId generation, core::Slot slot);
    void accepted(core::WorkerId worker, std::uint32_t connections);
    void put_back(core::WorkerId worker);  // one, for its peers
    void drained(core::WorkerId worker, std::optional<core::GenerationId> inbox);
    void sent_on(core::WorkerId worker, std::optional<core::GenerationId> inbox);
    void reads_channel(core::WorkerId worker);
    // One connection goes to its inbox, or without one ends here.
    enum class HandOver { was_the_last, more_to_come, no_room };
    HandOver hand_over(core::WorkerId worker);
    void hangs(core::WorkerId worker);  // it does nothing any more
    void time_is_up(core::WorkerId worker);
    // False when it cannot leave yet, because it has connections for an inbox that is full.
    bool leaves(core::WorkerId worker);
    void dies(core::WorkerId worker);

    // Calls with each inbox that somebody takes from and nobody was woken for since something came in.
    void wake(const std::function<void(core::GenerationId)>& woken);
    // Who would take from it now: the first that can from `any` on.
    std::optional<core::WorkerId> taker(core::GenerationId inbox, std::uint32_t any) const;
    void take(core::WorkerId worker);
    // A taker was woken, and will have looked.
    void looked(core::GenerationId inbox);

    // What was closed with the inboxes released since this was last asked.
    Unheld lost();
    // What is in inboxes that nobody takes from.
    Unheld unserved() const;

private:
    struct Member {
        core::WorkerId worker;
        core::GenerationId generation;
        core::Slot slot;
        std::uint32_t held = 0;
        bool draining = false;
        bool hung = false;
        bool superseded = false;                       // its inbox was closed, and there is another one
        std::optional<core::GenerationId> inbox = {};  // as far as it knows
        std::optional<core::GenerationId> told = {};   // the last word in its channel
    };
    struct Inbox {
        core::GenerationId generation;
        std::uint32_t capacity;
        Unheld content = {};
        bool closed = false;
        bool released = false;
        std::optional<core::GenerationId> forwarded_to = {};
        std::vector<core::Slot> awaited = {};  // who took from it there was killed or crashed, and comes back
        bool woken = false;
    };

    Member* member(core::WorkerId worker);
    Inbox* inbox(core::GenerationId generation);
    const Inbox* inbox(core::GenerationId generation) const;
    bool should_take(const Member& member) const;
    bool takes(const Member& member) const;
    bool put(Inbox& inbox);
    void nobody_left(Inbox& inbox);
    void forget_the_empty();
    void give_up(Inbox& inbox);
    void take_one(Inbox& inbox, Member& member);
    void forget(core::WorkerId worker);
    void tell(const char* what, core::WorkerId worker, std::optional<core::GenerationId> inbox) const;

    Coverage& coverage_;
    const Trace& trace_;
    std::vector<Member> members_;
    std::vector<Inbox> inboxes_;
    Unheld lost_;
};

}  // namespace sup::sim
