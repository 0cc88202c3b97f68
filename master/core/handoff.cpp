// Who hands its connections over to whom. A generation's inbox is a second accept queue, and may be offered
// only while somebody there will take from it: what is put into any other would wait for ever. A sender hears
// of a change only when it next reads its channel, so an inbox is also closed before those leave who take
// from it: after its close it only empties, and the last to go finds all that was ever put in. The last is
// the last that is there: a slot that restarts promises somebody, who may be told to leave before it takes
// anything. A generation that lives on, and in which somebody takes again, gets another one.
//
// The rules say nothing of this to anybody. When the step is over, what each should be told is found from the
// state alone, and compared with what it was told.
#include <algorithm>
#include <utility>

#include "master/core/rules.h"

namespace sup::core {
namespace {

bool takes_now(const Generation& generation, const SlotRecord& slot) {
    if (!slot.worker) return false;
    const Worker& worker = generation.workers.at(*slot.worker);
    return worker.channel && !is_leaving(worker);
}

// Now, or when who is to come has come.
bool takes_connections(const Generation& generation) {
    return !is_leaving(generation) && !generation.last_taker_left &&
           std::ranges::any_of(generation.slots, &SlotRecord::spoke);
}

std::optional<GenerationId> if_it_takes(const Instance& instance, std::optional<GenerationId> id) {
    const Generation* generation = id ? find_generation(instance, *id) : nullptr;
    return generation != nullptr && takes_connections(*generation) ? id : std::nullopt;
}

std::optional<GenerationId> active_that_takes(const Instance& instance) {
    return if_it_takes(instance, id_of(active_generation(instance)));
}

// Where that goes which an inbox gets no more, if anybody takes there.
std::optional<GenerationId> in_place_of(const Instance& instance, GenerationId closed) {
    const Generation* generation = find_generation(instance, closed);
    const bool lives_on = generation != nullptr && !is_leaving(*generation);
    return lives_on ? if_it_takes(instance, generation->inbox_left_to) : active_that_takes(instance);
}

// Its successor may speak yet, and nobody else has since.
bool waits_for_its_successor(const Instance& instance, const Worker::Draining& worker) {
    const Generation* successor = worker.successor ? find_generation(instance, *worker.successor) : nullptr;
    return successor != nullptr && !is_leaving(*successor) && !worker.others_spoke;
}

// It stays where it is while somebody takes there. Else whoever took that one's place comes first, then the
// generation that it was told takes over, then the active one.
std::optional<GenerationId> inbox_for(const Instance& instance, const Worker& worker,
                                      const Worker::Draining& draining) {
    if (!worker.channel) return std::nullopt;
    const auto told = instance.told.offers.find(worker.id);
    if (told != instance.told.offers.end() && told->second.inbox) {
        const GenerationId inbox = *told->second.inbox;
        if (if_it_takes(instance, inbox)) return inbox;
        if (const auto instead = in_place_of(instance, inbox)) return instead;
    }
    if (const auto successor = if_it_takes(instance, draining.successor)) return successor;
    if (waits_for_its_successor(instance, draining)) return std::nullopt;
    return active_that_takes(instance);
}

// The one who opened its channel: nobody else has.
WorkerId taker_of(const Generation& generation) {
    const auto slot = std::ranges::find_if(
        generation.slots, [&](const SlotRecord& each) { return takes_now(generation, each); });
    require(slot != generation.slots.end(), "an inbox is reopened for somebody who takes");
    return *slot->worker;
}

void reopen_inboxes(Step& step, const Handoffs& wanted) {
    for (const auto& [id, inbox] : wanted.inboxes) {
        const auto told = step.instance.told.inboxes.find(id);
        if (told != step.instance.told.inboxes.end() && inbox.open && !told->second.open)
            step.act(ReopenInbox{id, taker_of(step.instance.generations.at(id))});
    }
}

void change_offers(Step& step, const Handoffs& wanted) {
    const auto active = is_ending(step.instance) ? std::nullopt : id_of(active_generation(step.instance));
    for (const auto& [id, offer] : wanted.offers) {
        const auto told = step.instance.told.offers.find(id);
        if (told == step.instance.told.offers.end() || told->second == offer) continue;
        if (!find_worker(step.instance, id)->channel) continue;
        const auto successor = offer.inbox ? offer.inbox : active;
        step.act(OfferInbox{id, offer.inbox, successor, slots_of(step.instance, successor)});
    }
}

// Those of the generations that have gone, too, and of those that are used only now that they leave.
void close_inboxes(Step& step, const Handoffs& wanted) {
    const auto is_open = [](const Handoffs& handoffs, GenerationId id, bool if_unknown) {
        const auto inbox = handoffs.inboxes.find(id);
        return inbox == handoffs.inboxes.end() ? if_unknown : inbox->second.open;
    };
    std::map<GenerationId, Inbox> all = step.instance.told.inboxes;
    all.insert(wanted.inboxes.begin(), wanted.inboxes.end());
    for (const auto& [id, inbox] : all) {
        if (is_open(step.instance.told, id, true) && !is_open(wanted, id, false))
            step.act(CloseInbox{id, in_place_of(step.instance, id)});
    }
}

// The others are told before anybody drains; what is left in the inbox of who has gone goes on after that.
void weave(Step& step, std::vector<Action> actions, std::vector<Action> changes, const Handoffs& wanted) {
    const auto say_changes = [&] {
        for (Action& change : std::exchange(changes, {})) step.act(std::move(change));
    };
    for (Action& action : actions) {
        if (std::holds_alternative<Drain>(action) || std::holds_alternative<Release>(action)) say_changes();
        if (auto* drained = std::get_if<Drain>(&action))
            drained->inbox = wanted.offers.at(drained->worker).inbox;
        if (const auto* released = std::get_if<Release>(&action)) {
            if (const auto active = active_that_takes(step.instance))
                step.act(ForwardInbox{released->generation, *active});
        }
        step.act(std::move(action));
    }
    say_changes();
}

}  // namespace

void on(Step& step, const WorkerOpenedChannel& event) {
    Worker* opened = find_worker(step.instance, event.worker);
    if (opened == nullptr || !opened->spawned) return;
    opened->channel = true;
    Generation& generation = step.instance.generations.at(opened->generation);
    // One that is being killed will take nothing, and says nothing about the next one in its slot.
    SlotRecord* slot = slot_of(generation, *opened);
    const bool takes = slot != nullptr && !opened->is<Worker::Killing>();
    if (takes) {
        slot->spoke = true;
        generation.last_taker_left = false;
        generation.inbox_left_to.reset();
    }
    // Who leaves with its generation looks into the inbox when that is closed.
    generation.inbox_used = generation.inbox_used || takes || is_leaving(generation);
    for (auto& [generation_id, each] : step.instance.generations) {
        for (auto& [worker_id, worker] : each.workers)
            if (auto* draining = std::get_if<Worker::Draining>(&worker.state)) draining->others_spoke = true;
    }
}

void slot_left(Generation& generation, const SlotRecord& left, std::optional<GenerationId> to) {
    if (!left.spoke || generation.last_taker_left) return;
    const auto takes = [&](const SlotRecord& slot) { return takes_now(generation, slot); };
    generation.last_taker_left = takes(left) && std::ranges::none_of(generation.slots, takes);
    if (!takes_connections(generation)) generation.inbox_left_to = to;
}

Handoffs wanted_handoffs(const Instance& instance) {
    Handoffs wanted;
    const bool last = is_ending(instance);
    for (const auto& [id, generation] : instance.generations) {
        if (generation.inbox_used) wanted.inboxes.emplace(id, Inbox{id, takes_connections(generation)});
        for (const auto& [worker_id, worker] : generation.workers) {
            if (const auto* draining = worker.as<Worker::Draining>())
                wanted.offers.emplace(worker_id,
                                      Offer{worker_id, inbox_for(instance, worker, *draining), last});
        }
    }
    return wanted;
}

// First those are sent on who hand over, so that whoever finds an inbox closed was told of another one.
void reconcile_handoffs(Step& step) {
    Handoffs wanted = wanted_handoffs(step.instance);
    std::vector<Action> actions = std::exchange(step.actions, {});
    reopen_inboxes(step, wanted);
    change_offers(step, wanted);
    close_inboxes(step, wanted);
    std::vector<Action> changes = std::exchange(step.actions, {});
    weave(step, std::move(actions), std::move(changes), wanted);
    step.instance.told = std::move(wanted);
}

}  // namespace sup::core
