// Who hands over to whom, judged by what happened and what everybody was told: who opened its channel, which
// inboxes are open, and where each draining worker was last told to hand over to. How the core comes to that
// is its own affair.
#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

void Checker::rule(bool holds, Property property, const char* detail) const {
    if (!connections_only_) require(holds, property, detail);
}

bool Checker::takes(std::optional<GenerationId> id) const {
    const GenerationModel* generation = id ? model_.generation(*id) : nullptr;
    return generation != nullptr && model_.takes(*generation);
}

// Somebody opened its channel: in its slot it takes from now on, and whoever will come there after it.
void Checker::spoke(Worker& worker) {
    GenerationModel& generation = *model_.generation(worker.generation);
    const bool holds_slot =
        worker.slot < generation.slots.size() && generation.slots[worker.slot].worker == worker.id;
    worker.channel = true;
    if (holds_slot && !worker.killing()) generation.slots[worker.slot].spoke = true;
    if ((holds_slot && !worker.killing()) || generation.leaving()) generation.inbox_used = true;
    for (Worker& other : model_.workers)
        if (other.draining()) other.others_spoke = true;
}

// A slot that had spoken is no slot of this generation any more.
void Checker::taker_left(GenerationModel& generation, const Worker* leaver,
                         std::optional<GenerationId> successor) {
    const bool last = leaver != nullptr && model_.last_taker(*leaver);
    if (last && model_.takes(generation)) coverage_.visit(Situation::last_that_takes_leaves_a_promise);
    generation.last_taker_left = last;
    if (!generation.inbox_closed) generation.replaced_by = successor;
}

// Where that should go which comes into an inbox no more.
std::optional<GenerationId> Checker::in_place_of(const GenerationModel& closed) const {
    const bool lives_on = !closed.leaving() && closed.state != GenerationState::gone;
    const auto instead = lives_on ? closed.replaced_by : active_id();
    return takes(instead) ? instead : std::nullopt;
}

void Checker::visit_drain(const Worker& worker, const Drain& action) {
    if (action.successor && !worker.channel)
        coverage_.visit(takes(action.successor) ? Situation::drained_without_channel
                                                : Situation::drained_without_channel_on_either_side);
    if (action.successor && worker.channel && !action.inbox)
        coverage_.visit(Situation::drained_towards_no_channel);
    if (!action.inbox) return;
    const auto takes_now = [&](const Worker& other) {
        return other.generation == action.inbox && other.channel && !other.draining() && !other.killing();
    };
    if (std::none_of(model_.workers.begin(), model_.workers.end(), takes_now))
        coverage_.visit(Situation::offered_a_promise);
    if (action.inbox == worker.generation) {
        coverage_.visit(Situation::drained_with_inbox_of_peers);
    } else {
        coverage_.visit(action.inbox < worker.generation ? Situation::drained_with_inbox_of_the_old
                                                         : Situation::drained_with_inbox);
    }
}

// The inbox that it takes from is closed, unless another takes from it and stays.
void Checker::leaves_inbox_to_others(const Worker& leaver) const {
    const GenerationModel& own = *model_.generation(leaver.generation);
    if (!leaver.channel || own.inbox_closed) return;
    rule(!own.leaving(), Property::inbox_closed, "a worker drains before its generation's inbox is closed");
    rule(!model_.last_taker(leaver), Property::inbox_closed,
         "the last that takes from an inbox drains before that is closed");
}

void Checker::check_offer(const Worker& worker, const Drain& action) {
    visit_drain(worker, action);
    rule(!action.inbox || (worker.channel && action.inbox == action.successor && takes(action.inbox)),
         Property::offered_to_takers,
         "a worker is offered an inbox although it does not speak the channel, or nobody there takes");
    rule(action.inbox || !worker.channel || !takes(action.successor), Property::offered_to_takers,
         "a worker that could hand over is not offered its successor's inbox");
    leaves_inbox_to_others(worker);
}

void Checker::visit_offer(const Worker& worker, const OfferInbox& action) {
    const GenerationModel* left = worker.inbox ? model_.generation(*worker.inbox) : nullptr;
    if (model_.ending) {
        coverage_.visit(Situation::draining_told_of_the_stop);
        if (left != nullptr) coverage_.visit(Situation::sent_on_at_stop);
    } else if (left == nullptr) {
        coverage_.visit(action.inbox == active_id() ? Situation::offered_late
                                                    : Situation::offered_late_by_the_named);
    } else if (action.inbox) {
        coverage_.visit(Situation::sent_on);
    } else {
        const bool scaled_down = !left->leaving() && !left->replaced_by;
        coverage_.visit(scaled_down ? Situation::last_that_takes_scaled_down : Situation::sent_on_to_nobody);
    }
    if (left != nullptr && !left->leaving() && left->replaced_by)
        coverage_.visit(Situation::last_that_takes_replaced);
}

void Checker::done(const OfferInbox& action) {
    Worker& worker = living(action.worker);
    visit_offer(worker, action);
    rule(worker.draining() && worker.channel, Property::handoffs_sent_on,
         "a worker is offered something that does not drain, or does not speak the channel");
    rule(action.inbox != worker.inbox || (model_.ending && !worker.heard_of_the_end),
         Property::handoffs_sent_on, "a worker is told again what it was told already");
    if (worker.inbox) {
        const GenerationModel* left = model_.generation(*worker.inbox);
        if (!action.inbox)
            rule(left == nullptr || !in_place_of(*left), Property::handoffs_sent_on,
                 "a worker must end its connections although those who replaced its takers take them");
        worker.sent_from = worker.inbox;
    }
    rule(!action.inbox || takes(action.inbox), Property::handoffs_sent_on,
         "a worker is sent on to where nobody takes");
    const auto active = model_.ending ? std::nullopt : active_id();
    rule(action.successor == (action.inbox ? action.inbox : active), Property::actions_complete,
         "a worker's clients are sent to the wrong successor");
    check_successor(action.successor, action.successor_slots);
    worker.inbox = action.inbox;
    worker.heard_of_the_end = !action.successor;
}

void Checker::done(const CloseInbox& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr, Property::only_the_living, "an inbox is closed that is not there");
    const bool lives_on = !generation->leaving() && generation->state != GenerationState::gone;
    rule(!generation->inbox_closed, Property::inbox_closed, "an inbox is closed twice");
    rule(!lives_on || generation->last_taker_left || !generation->promises(), Property::inbox_closed,
         "an inbox is closed while somebody takes from it, or will");
    for (const Worker& worker : model_.workers)
        rule(worker.inbox != action.generation, Property::handoffs_sent_on,
             "an inbox is closed before those who hand over to it are sent on");
    rule(action.successor == in_place_of(*generation), Property::inbox_forwarded,
         "what is on its way into a closed inbox goes on to where nobody takes, or is given up");
    generation->inbox_closed = true;
}

void Checker::done(const ReopenInbox& action) {
    GenerationModel* generation = model_.generation(action.generation);
    const Worker& taker = living(action.worker);
    require(generation != nullptr, Property::only_the_living, "an inbox is reopened that is not there");
    rule(generation->inbox_closed && !generation->leaving(), Property::inbox_closed,
         "an inbox is reopened that is open, or whose generation leaves");
    rule(taker.generation == action.generation && taker.channel && taker.staying(), Property::inbox_closed,
         "an inbox is reopened for somebody who does not take from it");
    coverage_.visit(Situation::inbox_reopened);
    generation->inbox_closed = false;
    generation->last_taker_left = false;
    generation->replaced_by.reset();
}

void Checker::done(const ForwardInbox& action) {
    GenerationModel* generation = model_.generation(action.from);
    require(generation != nullptr && model_.generation(action.to) != nullptr, Property::only_the_living,
            "an inbox is forwarded that is not there, or to one that is not");
    rule(generation->release_owed && !generation->inbox_forwarded, Property::inbox_forwarded,
         "an inbox is forwarded twice, or of a generation that is not gone, or is released already");
    rule(!model_.ending && action.to == active_id() && takes(action.to), Property::inbox_forwarded,
         "an inbox is forwarded to where nobody takes, or at a stop");
    generation->inbox_forwarded = true;
    coverage_.visit(Situation::inbox_forwarded);
}

// Nothing is left in it that somebody could have taken.
void Checker::inbox_released(const GenerationModel& gone) {
    rule(!gone.inbox_used || gone.inbox_closed, Property::inbox_closed,
         "a generation is released before its inbox is closed");
    if (model_.ending || !active_id()) return;
    if (!takes(active_id())) coverage_.visit(Situation::inbox_not_forwarded);
    rule(gone.inbox_forwarded || !takes(active_id()), Property::inbox_forwarded,
         "a generation is released before its inbox was forwarded");
}

// Who is offered an inbox finds a taker there until it is told otherwise; who is offered none could not be.
void Checker::offer_holds(const Worker& worker) const {
    rule(!worker.sent_from || !takes(worker.sent_from), Property::handoffs_sent_on,
         "a worker is sent on from where somebody takes");
    rule(!worker.inbox || (worker.draining() && worker.channel), Property::offered_to_takers,
         "a worker hands over that does not drain, or does not speak the channel");
    rule(!worker.inbox || takes(worker.inbox), Property::handoffs_sent_on,
         "a worker hands over to where nobody will take any more");
    if (!worker.draining() || !worker.channel || worker.inbox) return;
    rule(!takes(worker.successor), Property::handoffs_sent_on,
         "a worker must end its connections although its successor takes them");
    const GenerationModel* named = worker.successor ? model_.generation(*worker.successor) : nullptr;
    const bool may_speak_yet = named != nullptr && !named->leaving() && named->state != GenerationState::gone;
    rule((may_speak_yet && !worker.others_spoke) || !takes(active_id()), Property::handoffs_sent_on,
         "a worker must end its connections although the active generation takes them");
    rule(!ends_ || worker.heard_of_the_end, Property::handoffs_sent_on,
         "a worker is not told that nobody takes over any more");
}

// Those who take find theirs open, and those who leave with their generation find the end of it.
void Checker::inbox_holds(const GenerationModel& generation) const {
    if (generation.state == GenerationState::gone) return;
    rule(!generation.leaving() || !generation.inbox_used || generation.inbox_closed, Property::inbox_closed,
         "an inbox stays open although nobody will take from it");
    if (generation.leaving() || !generation.inbox_closed) return;
    for (const SlotModel& slot : generation.slots) {
        const Worker* worker = slot.worker ? model_.worker(*slot.worker) : nullptr;
        rule(worker == nullptr || !worker->channel || !worker->staying(), Property::inbox_closed,
             "an inbox stays closed although somebody takes from it");
    }
}

void Checker::offers_hold() {
    for (const GenerationModel& generation : model_.generations) inbox_holds(generation);
    for (Worker& worker : model_.workers) {
        offer_holds(worker);
        worker.sent_from.reset();
    }
}

}  // namespace sup::sim
