#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

void Checker::rule(bool holds, Property property, const char* detail) const {
    if (!connections_only_) require(holds, property, detail);
}

std::optional<GenerationId> Checker::inbox_for(const Worker& worker, std::optional<GenerationId> successor) {
    if (!successor) return std::nullopt;
    const bool takes = model_.takes(*model_.generation(*successor));
    if (!worker.channel) {
        coverage_.visit(takes ? Situation::drained_without_channel
                              : Situation::drained_without_channel_on_either_side);
        return std::nullopt;
    }
    if (!takes) {
        coverage_.visit(Situation::drained_towards_no_channel);
        return std::nullopt;
    }
    return successor;
}

// Nobody will take from it any more, or not for long: it is closed, and everybody who was offered it must
// hear what comes instead.
void Checker::owe_close(GenerationModel& left, std::optional<GenerationId> successor) {
    const bool spoken =
        std::any_of(left.slots.begin(), left.slots.end(), [](const SlotModel& slot) { return slot.spoke; });
    if (left.leaving() && !spoken) return;  // nobody has put anything in
    owe_close_at_once(left, successor);
}

void Checker::owe_close_at_once(GenerationModel& left, std::optional<GenerationId> successor) {
    if (left.inbox_closed) return;
    left.inbox_closed = true;
    left.close_owed = true;
    left.sent_on_to = successor && model_.takes(*model_.generation(*successor)) ? successor : std::nullopt;
    for (Worker& worker : model_.workers) {
        if (!worker.draining() || worker.inbox != left.id) continue;
        worker.offer_owed = Offer{late_inbox_for(worker, successor)};
        if (worker.offer_owed->inbox) {
            coverage_.visit(Situation::sent_on);
        } else if (successor) {
            coverage_.visit(Situation::sent_on_to_nobody);
        } else {
            coverage_.visit(model_.ending ? Situation::sent_on_at_stop
                                          : Situation::last_that_takes_scaled_down);
        }
    }
}

// Who leaves it to others leaves it to those who are there: a slot that restarts may be given up, too.
void Checker::left_to_peers(GenerationModel& generation, const Worker* leaver,
                            std::optional<GenerationId> successor) {
    const bool last = leaver != nullptr && model_.last_taker(*leaver);
    if (model_.takes(generation)) {
        if (!last) return;
        coverage_.visit(Situation::last_that_takes_leaves_a_promise);
    }
    owe_close(generation, successor);
}

// It lives on, and somebody takes there again.
void Checker::owe_reopening(GenerationModel& generation, const Worker& taker) {
    if (!generation.inbox_closed || generation.leaving()) return;
    coverage_.visit(Situation::inbox_reopened);
    generation.inbox_closed = false;
    generation.reopen_owed = taker.id;
}

// Best by who comes instead, then by whom it was told takes over, then by the active one.
std::optional<GenerationId> Checker::late_inbox_for(const Worker& worker,
                                                    std::optional<GenerationId> instead) const {
    const GenerationModel* active = model_.active();
    const auto takes = [this](std::optional<GenerationId> id) {
        const GenerationModel* generation = id ? model_.generation(*id) : nullptr;
        return generation != nullptr && model_.takes(*generation);
    };
    if (model_.ending) return std::nullopt;
    if (takes(instead)) return instead;
    if (takes(worker.successor)) return worker.successor;
    return active != nullptr && takes(active->id) ? std::optional(active->id) : std::nullopt;
}

// Somebody takes there now: who had to finish alone need not any more.
void Checker::owe_late_offers() {
    for (Worker& worker : model_.workers) {
        if (!worker.draining() || !worker.channel || worker.inbox || worker.offer_owed) continue;
        const auto inbox = late_inbox_for(worker, std::nullopt);
        if (!inbox) continue;
        worker.offer_owed = Offer{inbox};
        coverage_.visit(inbox == model_.active()->id ? Situation::offered_late
                                                     : Situation::offered_late_by_the_named);
    }
}

// Whoever drains already must hear that no successor will take anything any more.
void Checker::owe_word_of_the_stop() {
    for (Worker& worker : model_.workers) {
        if (!worker.draining() || !worker.channel) continue;
        worker.offer_owed = Offer{};
        coverage_.visit(Situation::draining_told_of_the_stop);
    }
}

void Checker::owe_forward(GenerationModel& gone) {
    const GenerationModel* active = model_.active();
    if (active == nullptr || model_.ending) return;
    if (!model_.takes(*active)) {
        coverage_.visit(Situation::inbox_not_forwarded);
        return;
    }
    gone.forward_owed = active->id;
}

void Checker::check_offer(const Worker& worker, const Drain& owed, const Drain& action) const {
    rule(owed.inbox || !action.inbox, Property::offered_to_takers,
         "a worker is offered an inbox although it does not speak the channel, or nobody there takes");
    rule(owed.inbox == action.inbox, Property::offered_to_takers,
         "a worker that could hand over is not offered its successor's inbox");
    for (const Worker& other : model_.workers) {
        rule(!other.offer_owed || other.inbox != worker.generation, Property::handoffs_sent_on,
             "a worker drains before those who hand over to its generation are sent on");
    }
    rule(!model_.generation(worker.generation)->close_owed, Property::inbox_closed,
         "a worker drains before its generation's inbox is closed");
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

void Checker::done(const OfferInbox& action) {
    Worker& worker = living(action.worker);
    rule(worker.draining() && worker.offer_owed, Property::handoffs_sent_on,
         "an offer changes that nothing asks to change");
    rule(!worker.offer_owed || worker.offer_owed->inbox == action.inbox, Property::handoffs_sent_on,
         "a worker is sent on to the wrong inbox");
    const auto active = model_.ending ? std::nullopt : active_id();
    rule(action.successor == (action.inbox ? action.inbox : active), Property::actions_complete,
         "a worker's clients are sent to the wrong successor");
    check_successor(action.successor, action.successor_slots);
    rule(!action.inbox || !model_.generation(*action.inbox)->reopen_owed, Property::inbox_closed,
         "a closed inbox is offered before it is reopened");
    worker.offer_owed.reset();
    worker.inbox = action.inbox;
}

void Checker::done(const CloseInbox& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr, Property::only_the_living, "an inbox is closed that is not there");
    rule(generation->close_owed, Property::inbox_closed,
         "an inbox is closed twice, or while somebody takes from it");
    for (const Worker& worker : model_.workers)
        rule(!worker.offer_owed || worker.inbox != action.generation, Property::handoffs_sent_on,
             "an inbox is closed before those who hand over to it are sent on");
    rule(action.successor == generation->sent_on_to, Property::inbox_forwarded,
         "what is on its way into a closed inbox goes on to where nobody takes, or is given up");
    generation->close_owed = false;
}

void Checker::done(const ReopenInbox& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr, Property::only_the_living, "an inbox is reopened that is not there");
    rule(generation->reopen_owed == action.worker, Property::inbox_closed,
         "an inbox is reopened that is not closed, or for nobody who takes from it");
    generation->reopen_owed.reset();
}

void Checker::done(const ForwardInbox& action) {
    GenerationModel* generation = model_.generation(action.from);
    require(generation != nullptr && model_.generation(action.to) != nullptr, Property::only_the_living,
            "an inbox is forwarded that is not there, or to one that is not");
    rule(generation->release_owed, Property::inbox_forwarded,
         "an inbox is forwarded of a generation that is not gone, or is released already");
    rule(generation->forward_owed == action.to, Property::inbox_forwarded,
         "an inbox is forwarded to where nobody takes, or twice, or at a stop");
    generation->forward_owed.reset();
    rule(!generation->close_owed, Property::inbox_closed, "an inbox is forwarded before it is closed");
    coverage_.visit(Situation::inbox_forwarded);
}

bool Checker::could_hand_over(const Worker& worker) const {
    if (!worker.draining() || !worker.channel || !worker.successor) return false;
    const GenerationModel* named = model_.generation(*worker.successor);
    return named != nullptr && model_.takes(*named);
}

void Checker::offers_hold() const {
    for (const GenerationModel& generation : model_.generations) {
        rule(!generation.forward_owed, Property::inbox_forwarded,
             "a gone generation's inbox is not forwarded");
        rule(!generation.close_owed, Property::inbox_closed,
             "an inbox stays open although nobody will take from it");
        rule(!generation.reopen_owed, Property::inbox_closed,
             "an inbox stays closed although somebody takes from it again");
    }
    for (const Worker& worker : model_.workers) {
        rule(!worker.offer_owed, Property::handoffs_sent_on,
             "a worker hands over to where nobody will take any more");
        if (!worker.inbox) {
            rule(!could_hand_over(worker), Property::handoffs_sent_on,
                 "a worker must end its connections although its successor takes them");
            continue;
        }
        rule(worker.draining() && worker.channel, Property::offered_to_takers,
             "a worker hands over that does not drain, or does not speak the channel");
        const GenerationModel* to = model_.generation(*worker.inbox);
        rule(to != nullptr && !to->leaving() && to->state != GenerationState::gone,
             Property::handoffs_sent_on, "a worker hands over to a generation that leaves or is gone");
        if (to == nullptr) continue;
        bool promised = false;
        for (const SlotModel& slot : to->slots) promised = promised || slot.spoke;
        rule(promised, Property::handoffs_sent_on,
             "a worker hands over to a generation that has no slot that takes");
    }
}

}  // namespace sup::sim
