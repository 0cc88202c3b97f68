#include "tests/sim/connections.h"

#include <algorithm>
#include <utility>

#include "tests/sim/number_of.h"

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

const Connections::Inbox* Connections::inbox(GenerationId generation) const {
    return const_cast<Connections*>(this)->inbox(generation);
}

// An inbox that is open is left to the peers by those who drain.
bool Connections::should_take(const Member& member) const {
    const Inbox* own = inbox(member.generation);
    return own != nullptr && !member.superseded && (!member.draining || own->closed);
}

bool Connections::takes(const Member& member) const {
    return !member.hung && should_take(member);
}

void Connections::tell(const char* what, WorkerId worker, std::optional<GenerationId> inbox) const {
    if (!trace_) return;
    std::string line = std::string("            ~  ") + what + " worker=" + std::to_string(number_of(worker));
    if (inbox) line += " inbox=" + std::to_string(static_cast<std::uint32_t>(*inbox));
    trace_(line);
}

void Connections::prepared(GenerationId generation, std::uint32_t capacity) {
    inboxes_.push_back({.generation = generation, .capacity = capacity});
}

// Who is to take it may have died already. False when it does not fit.
bool Connections::put(Inbox& inbox) {
    if (inbox.content.all() >= inbox.capacity) return false;
    const bool nobody = !taker(inbox.generation, 0);
    ++(nobody && !inbox.awaited.empty() ? inbox.content.bereft : inbox.content.forgotten);
    return true;
}

// Whoever took from it will not any more, through no fault of the core's.
void Connections::nobody_left(Inbox& inbox) {
    if (!taker(inbox.generation, 0)) inbox.content = {.forgotten = 0, .bereft = inbox.content.all()};
}

void Connections::close(GenerationId generation, std::optional<GenerationId> successor) {
    if (Inbox* closed = inbox(generation)) closed->closed = true;
    for (Inbox& inbox : inboxes_) {
        if (inbox.forwarded_to != generation) continue;
        inbox.forwarded_to = successor;
        if (inbox.content.all() == 0) continue;
        coverage_.visit(successor ? Situation::forwarded_elsewhere : Situation::forwarded_to_nobody);
        if (!successor) give_up(inbox);
    }
    forget_the_empty();
}

// The master moves what is left from the old pair to the new one.
void Connections::reopen(GenerationId generation, WorkerId worker) {
    inbox(generation)->closed = false;
    if (inbox(generation)->content.all() > 0) coverage_.visit(Situation::connection_in_reopened);
    for (Member& member : members_)
        if (member.generation == generation && member.worker != worker) member.superseded = true;
}

void Connections::forward(GenerationId from, GenerationId to) {
    Inbox* source = inbox(from);
    if (source == nullptr || inbox(to) == nullptr) return;
    if (source->content.all() > 0) coverage_.visit(Situation::connection_forwarded);
    source->forwarded_to = to;
}

void Connections::move_on() {
    for (Inbox& source : inboxes_) {
        Inbox* target = source.forwarded_to ? inbox(*source.forwarded_to) : nullptr;
        if (target == nullptr || target->closed) continue;
        while (source.content.all() > 0 && put(*target))
            --(source.content.bereft > 0 ? source.content.bereft : source.content.forgotten);
        if (source.content.all() > 0) coverage_.visit(Situation::forwarded_bit_by_bit);
    }
    forget_the_empty();
}

bool Connections::something_waits() const {
    return std::any_of(inboxes_.begin(), inboxes_.end(), [](const Inbox& inbox) {
        return inbox.forwarded_to.has_value() && inbox.content.all() > 0;
    });
}

void Connections::forget_the_empty() {
    std::erase_if(inboxes_, [](const Inbox& inbox) { return inbox.released && inbox.content.all() == 0; });
}

// Nobody takes what is in it.
void Connections::give_up(Inbox& inbox) {
    lost_.bereft += std::exchange(inbox.content, {}).all();
}

void Connections::release(GenerationId generation) {
    Inbox* closed = inbox(generation);
    if (closed == nullptr) return;
    closed->released = true;
    if (!closed->forwarded_to) {
        // Whoever died and should have come back would have taken it.
        (closed->awaited.empty() ? lost_.forgotten : lost_.bereft) += closed->content.forgotten;
        lost_.bereft += closed->content.bereft;
        closed->content = {};
    }
    forget_the_empty();
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
    if (!put(*inbox(member->generation))) return;
    tell("puts back", worker, member->generation);
    coverage_.visit(Situation::connection_put_back);
    --member->held;
}

void Connections::drained(WorkerId worker, std::optional<GenerationId> offered) {
    Member* member = this->member(worker);
    if (member == nullptr) return;
    member->draining = true;
    member->inbox = offered;
    member->told = offered;
    // What is left to peers that have crashed is for those that come in their place.
    if (Inbox* own = inbox(member->generation); own != nullptr && !own->awaited.empty()) nobody_left(*own);
}

void Connections::sent_on(WorkerId worker, std::optional<GenerationId> offered) {
    if (Member* member = this->member(worker)) member->told = offered;
}

void Connections::reads_channel(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr) return;
    member->inbox = member->told;
}

Connections::HandOver Connections::hand_over(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr || !member->draining || member->hung || member->held == 0)
        return HandOver::was_the_last;
    const auto open = [this](std::optional<GenerationId> generation) {
        Inbox* known = generation ? inbox(*generation) : nullptr;
        return known == nullptr || known->closed ? nullptr : known;
    };
    if (member->inbox && open(member->inbox) == nullptr) coverage_.visit(Situation::inbox_found_closed);
    if (open(member->inbox) == nullptr) reads_channel(worker);
    Inbox* offered = open(member->inbox);
    if (offered != nullptr && !put(*offered)) {
        coverage_.visit(Situation::inbox_found_full);
        return HandOver::no_room;
    }
    tell(offered == nullptr ? "ends a connection" : "hands over", worker, member->inbox);
    --member->held;
    if (offered != nullptr) coverage_.visit(Situation::connection_handed_over);
    return member->held > 0 ? HandOver::more_to_come : HandOver::was_the_last;
}

void Connections::hangs(WorkerId worker) {
    if (Member* member = this->member(worker)) member->hung = true;
}

void Connections::time_is_up(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr || member->hung) return;
    tell("ends all, as its time is up", worker, member->inbox);
    if (member->held > 0) coverage_.visit(Situation::ended_at_deadline);
    const bool took = takes(*member);
    member->held = 0;
    member->hung = true;
    Inbox* own = inbox(member->generation);
    if (!took || own->content.all() == 0) return;
    coverage_.visit(Situation::inbox_left_at_deadline);
    nobody_left(*own);
}

bool Connections::leaves(WorkerId worker) {
    Member* member = this->member(worker);
    if (member == nullptr) return true;
    reads_channel(worker);
    Inbox* own = inbox(member->generation);
    while (takes(*member) && own->content.all() > 0) take_one(*own, *member);
    HandOver last = HandOver::more_to_come;
    while (last == HandOver::more_to_come) last = hand_over(worker);
    if (last == HandOver::no_room) return false;
    if (own != nullptr) std::erase(own->awaited, member->slot);
    forget(worker);
    return true;
}

void Connections::dies(WorkerId worker) {
    const Member* member = this->member(worker);
    if (member == nullptr) return;
    tell("dies", worker, member->inbox);
    if (member->draining && member->inbox && member->held > 0) coverage_.visit(Situation::sender_died_midway);
    Inbox* own = inbox(member->generation);
    const bool took = should_take(*member);
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
        if (member.generation == inbox && takes(member)) return member.worker;
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
