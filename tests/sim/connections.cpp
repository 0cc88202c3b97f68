#include "tests/sim/connections.h"

#include <algorithm>
#include <utility>

namespace sup::sim {

using core::GenerationId;
using core::Slot;
using core::WorkerId;

Connections::Member* Connections::member(WorkerId worker) {
    const auto found = std::find_if(members_.begin(), members_.end(),
                                    [&](const Member& member) { return member.worker == worker; });
    return found == members_.end() ? nullptr : &*found;
}

Connections::Inbox* Connections::inbox(GenerationId generation) {
    const auto found = std::find_if(inboxes_.begin(), inboxes_.end(),
                                    [&](const Inbox& inbox) { return inbox.generation == generation; });
    return found == inboxes_.end() ? nullptr : &*found;
}

void Connections::tell(const char* what, WorkerId worker, std::optional<GenerationId> inbox) const {
    if (!trace_) return;
    std::string line = std::string("            ~  ") + what +
                       " worker=" + std::to_string(static_cast<std::uint64_t>(worker));
    if (inbox) line += " inbox=" + std::to_string(static_cast<std::uint32_t>(*inbox));
    trace_(line);
}

void Connections::prepared(GenerationId generation) {
    inboxes_.push_back({.generation = generation});
}

// Who is to take it may have died already.
void Connections::put(Inbox& inbox) {
    const bool nobody = !taker(inbox.generation, 0);
    ++(nobody && !inbox.awaited.empty() ? inbox.content.bereft : inbox.content.forgotten);
}

void Connections::close(GenerationId generation) {
    if (Inbox* closed = inbox(generation)) closed->closed = true;
}

void Connections::forward(GenerationId from, GenerationId to) {
    Inbox* source = inbox(from);
    Inbox* target = inbox(to);
    if (source == nullptr || target == nullptr) return;
    const Unheld moved = std::exchange(source->content, {});
    for (std::uint32_t each = 0; each < moved.all(); ++each) put(*target);
    if (moved.all() > 0) coverage_.visit(Situation::connection_forwarded);
}

void Connections::release(GenerationId generation) {
    const Inbox* closed = inbox(generation);
    if (closed == nullptr) return;
    // Whoever died and should have come back would have taken it.
    (closed->awaited.empty() ? lost_.forgotten : lost_.bereft) += closed->content.forgotten;
    lost_.bereft += closed->content.bereft;
    std::erase_if(inboxes_, [&](const Inbox& inbox) { return inbox.generation == generation; });
}

void Connections::opened(WorkerId worker, GenerationId generation, Slot slot) {
    if (member(worker) != nullptr) return;
    members_.push_back({.worker = worker, .generation = generation, .slot = slot});
    if (Inbox* own = inbox(generation)) std::erase(own->awaited, slot);
}

void Connections::accepted(WorkerId worker, std::uint32_t connections) {
    Member* member = this->member(worker);
    if (member == nullptr || member->draining) return;
    member->held += connections;
}

void Connections::put_back(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr || member->draining || member->held == 0) return;
    if (inbox(member->generation)->closed) return;
    tell("puts back", worker, member->generation);
    coverage_.visit(Situation::connection_put_back);
    --member->held;
    put(*inbox(member->generation));
}

void Connections::drained(WorkerId worker, std::optional<GenerationId> offered) {
    Member* member = this->member(worker);
    if (member == nullptr) return;
    member->draining = true;
    member->inbox = offered;
    member->told = offered;
    member->to_peers = offered == member->generation;
    // What is left to peers that have crashed is for those that come in their place.
    Inbox* own = inbox(member->generation);
    if (member->to_peers && !own->awaited.empty() && !taker(member->generation, 0))
        own->content = {.forgotten = 0, .bereft = own->content.all()};
}

void Connections::sent_on(WorkerId worker, std::optional<GenerationId> offered) {
    if (Member* member = this->member(worker)) member->told = offered;
}

void Connections::reads_channel(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr) return;
    member->inbox = member->told;
    if (member->told != member->generation) member->to_peers = false;
}

bool Connections::hand_over(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr || !member->draining || member->hung || member->held == 0) return false;
    const auto open = [this](std::optional<GenerationId> generation) {
        Inbox* known = generation ? inbox(*generation) : nullptr;
        return known == nullptr || known->closed ? nullptr : known;
    };
    if (member->inbox && open(member->inbox) == nullptr) {
        coverage_.visit(Situation::inbox_found_closed);
        reads_channel(worker);
    }
    Inbox* offered = open(member->inbox);
    tell(offered == nullptr ? "ends a connection" : "hands over", worker, member->inbox);
    --member->held;
    if (offered != nullptr) {
        coverage_.visit(Situation::connection_handed_over);
        put(*offered);
    }
    return member->held > 0;
}

void Connections::hangs(WorkerId worker) {
    if (Member* member = this->member(worker)) member->hung = true;
}

void Connections::leaves(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr) return;
    reads_channel(worker);
    Inbox* own = inbox(member->generation);
    while (own != nullptr && member->takes() && own->content.all() > 0) take_one(*own, *member);
    while (hand_over(worker)) {
    }
    if (own != nullptr) std::erase(own->awaited, member->slot);
    forget(worker);
}

void Connections::dies(WorkerId worker) {
    const Member* member = this->member(worker);
    if (member == nullptr) return;
    tell("dies", worker, member->inbox);
    if (member->draining && member->inbox && member->held > 0) coverage_.visit(Situation::sender_died_midway);
    Inbox* own = inbox(member->generation);
    const bool took = !member->to_peers;
    if (own != nullptr && !member->draining) own->awaited.push_back(member->slot);
    forget(worker);
    if (own == nullptr || !took) return;
    if (own->content.all() > 0) coverage_.visit(Situation::receiver_died_midway);
    own->content = {.forgotten = 0, .bereft = own->content.all()};
}

void Connections::forget(WorkerId worker) {
    std::erase_if(members_, [&](const Member& member) { return member.worker == worker; });
}

void Connections::wake(const std::function<void(GenerationId)>& woken) {
    for (Inbox& inbox : inboxes_) {
        if (inbox.woken || inbox.content.all() == 0 || !taker(inbox.generation, 0)) continue;
        inbox.woken = true;
        woken(inbox.generation);
    }
}

std::optional<WorkerId> Connections::taker(GenerationId inbox, std::uint32_t any) const {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const Member& member = members_[(i + any) % members_.size()];
        if (member.generation == inbox && member.takes()) return member.worker;
    }
    return std::nullopt;
}

void Connections::take(WorkerId worker) {
    Member& taker = *member(worker);
    Inbox* own = inbox(taker.generation);
    if (own != nullptr && own->content.all() > 0) take_one(*own, taker);
}

void Connections::take_one(Inbox& inbox, Member& member) {
    tell("takes", member.worker, inbox.generation);
    coverage_.visit(Situation::connection_taken);
    if (member.draining) coverage_.visit(Situation::connection_taken_by_drainer);
    if (inbox.content.bereft > 0) coverage_.visit(Situation::connection_taken_after_a_death);
    --(inbox.content.bereft > 0 ? inbox.content.bereft : inbox.content.forgotten);
    ++member.held;
}

void Connections::looked(GenerationId generation) {
    if (Inbox* looked_at = inbox(generation)) looked_at->woken = false;
}

Unheld Connections::lost() {
    return std::exchange(lost_, {});
}

Unheld Connections::unserved() const {
    Unheld all;
    for (const Inbox& inbox : inboxes_) {
        all.forgotten += inbox.content.forgotten;
        all.bereft += taker(inbox.generation, 0) ? 0 : inbox.content.bereft;
    }
    return all;
}

}  // namespace sup::sim
