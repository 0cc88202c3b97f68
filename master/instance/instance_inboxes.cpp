// How the shell performs the core's actions about the generations' inboxes.
#include <algorithm>
#include <utility>

#include "common/count.h"
#include "master/core/generation_number.h"
#include "master/instance/instance.h"

namespace sup {

// What is on its way into it goes on to elsewhere first.
void Instance::perform(const core::CloseInbox& action) {
    const Generation* successor = action.successor ? find_generation(*action.successor) : nullptr;
    for (auto next = relays_.begin(); next != relays_.end();) {
        Relay& relay = *next++;  // which may be done with this, and gone
        if (relay.to != action.generation) continue;
        relay.to = action.successor.value_or(relay.to);
        relay.inbox->redirect(successor == nullptr ? nullptr : successor->inbox);
    }
    generations_.at(action.generation)->inbox->close_to_senders();
}

void Instance::perform(const core::ReopenInbox& action) {
    const auto closed = generations_.at(action.generation)->inbox->renew();
    if (!closed) {
        log_.error("generation {} gets no new inbox: {}", number(action.generation), closed.error().message);
        return;
    }
    relay(action.generation, *closed, action.generation);
    // To all, not only to the one whose readiness led here: who opened its channel in the same turn was still
    // given the closed one.
    for (const auto& [id, worker] : workers_) {
        if (worker->generation_id() == action.generation && !worker->told_to_end()) worker->send_inbox();
    }
}

void Instance::perform(const core::ForwardInbox& action) {
    relay(action.from, generations_.at(action.from)->inbox, action.to);
}

void Instance::relay(core::GenerationId from, std::shared_ptr<const Inbox> inbox, core::GenerationId to) {
    const auto entry = relays_.insert(relays_.end(), Relay{to, nullptr});
    entry->inbox = std::make_unique<InboxRelay>(loop_.get(), std::move(inbox), generations_.at(to)->inbox,
                                                [this, from, entry](const InboxRelay::Outcome& outcome) {
                                                    tell_relayed(from, entry->to, outcome);
                                                    relays_.erase(entry);
                                                });
    entry->inbox->move();
}

// What all workers that take from that inbox can resume from.
SpokenByAll Instance::spoken_by(std::optional<core::GenerationId> generation) const {
    SpokenByAll common;
    for (const auto& [id, worker] : workers_) {
        if (worker->generation_id() != generation || worker->told_to_end() || !worker->has_channel())
            continue;
        const SpokenByAll spoken = worker->spoken();
        if (!spoken) return std::nullopt;
        common = common ? in_common(*common, *spoken) : *spoken;
    }
    return common;
}

void Instance::tell_relayed(core::GenerationId from, core::GenerationId to,
                            const InboxRelay::Outcome& outcome) {
    if (outcome.moved > 0) {
        log_.info("generation {} left {} in its inbox; they move on to generation {}", number(from),
                  counted(outcome.moved, "connection"), number(to));
    }
    tell_discarded(from, outcome.lost);
}

void Instance::tell_discarded(core::GenerationId generation, std::size_t connections) {
    if (connections == 0) return;
    log_.warning("generation {} left {} in its inbox, which nobody reads any more: closed",
                 number(generation), counted(connections, "connection"));
}

void Instance::discard_inbox(core::GenerationId generation) {
    const auto& inbox = generations_.at(generation)->inbox;
    const auto moves_it = [&](const Relay& relay) { return relay.inbox->from() == inbox; };
    if (std::ranges::none_of(relays_, moves_it)) tell_discarded(generation, inbox->discard());
}

}  // namespace sup
