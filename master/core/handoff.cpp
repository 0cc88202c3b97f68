// Who hands its connections over to whom. A generation's inbox is a second accept queue, and may be offered
// only while somebody there will take from it: what is put into any other would wait for ever. A sender hears
// of a change only when it next reads its channel, so an inbox is also closed before those leave who take
// from it: after its close it only empties, and the last to go finds all that was ever put in. The last is
// the last that is there: a slot that restarts promises somebody, who may be told to leave before it takes
// anything. A generation that lives on, and in which somebody takes again, gets another one.
#include <algorithm>

#include "master/core/rules.h"

namespace sup::core {
namespace {

// A slot whose worker has spoken the channel is a promise, also while it restarts, for the next one will.
bool has_spoken(const Generation& generation) {
    return std::ranges::any_of(generation.slots, [](const SlotRecord& slot) { return slot.spoke; });
}

bool takes_now(const Generation& generation, const SlotRecord& slot) {
    if (!slot.worker) return false;
    const Worker& worker = generation.workers.at(*slot.worker);
    return worker.channel && !is_leaving(worker);
}

bool takes_connections(const Generation& generation) {
    return !is_leaving(generation) && !generation.inbox_closed && has_spoken(generation);
}

void offer(Step& step, Worker& worker, std::optional<GenerationId> inbox) {
    const auto active = is_ending(step.instance) ? std::nullopt : id_of(active_generation(step.instance));
    const auto successor = inbox ? inbox : active;
    worker.inbox = inbox;
    step.act(OfferInbox{worker.id, inbox, successor, slots_of(step.instance, successor)});
}

// Where somebody takes now: in `instead`, in the generation that the worker was told takes over, or in the
// active one.
std::optional<GenerationId> late_inbox_for(Step& step, const Worker& worker,
                                           std::optional<GenerationId> instead) {
    const Generation* active = active_generation(step.instance);
    for (const auto id : {instead, worker.successor, active ? std::optional(active->id) : std::nullopt}) {
        const Generation* generation = id ? find_generation(step.instance, *id) : nullptr;
        if (generation != nullptr && takes_connections(*generation)) return id;
    }
    return std::nullopt;
}

// Those that were told to finish by themselves need not any more.
void offer_to_those_without(Step& step) {
    for (auto& [generation_id, generation] : step.instance.generations) {
        for (auto& [worker_id, worker] : generation.workers) {
            if (worker.state != WorkerState::draining || !worker.channel || worker.inbox) continue;
            if (const auto inbox = late_inbox_for(step, worker, std::nullopt)) offer(step, worker, inbox);
        }
    }
}

void close_inbox(Step& step, Generation& generation, std::optional<GenerationId> successor) {
    if (generation.inbox_closed) return;
    generation.inbox_closed = true;
    for (auto& [other_id, other] : step.instance.generations) {
        for (auto& [worker_id, worker] : other.workers) {
            if (worker.state == WorkerState::draining && worker.inbox == generation.id)
                offer(step, worker, late_inbox_for(step, worker, successor));
        }
    }
    const Generation* next = successor ? find_generation(step.instance, *successor) : nullptr;
    const bool takes = next != nullptr && takes_connections(*next);
    step.act(CloseInbox{generation.id, takes ? successor : std::nullopt});
}

void reopen_inbox(Step& step, Generation& generation, const Worker& taker) {
    if (!generation.inbox_closed || is_leaving(generation)) return;
    generation.inbox_closed = false;
    step.act(ReopenInbox{generation.id, taker.id});
}

}  // namespace

void on(Step& step, const WorkerOpenedChannel& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker == nullptr || !worker->spawned) return;
    worker->channel = true;
    Generation& generation = step.instance.generations.at(worker->generation);
    // One that is being killed will take nothing, and says nothing about the next one in its slot.
    SlotRecord* slot = slot_of(generation, *worker);
    if (slot != nullptr && worker->state != WorkerState::killing) {
        slot->spoke = true;
        reopen_inbox(step, generation, *worker);
    }
    const Generation* active = active_generation(step.instance);
    // Its inbox was not closed when it began to leave, as nobody took from it.
    if (is_leaving(generation))
        close_inbox(step, generation, active != nullptr ? std::optional(active->id) : std::nullopt);
    if (active != nullptr) offer_to_those_without(step);
}

// The successor's inbox, if this worker can hand over and somebody there can take.
std::optional<GenerationId> inbox_for(Step& step, const Worker& worker,
                                      std::optional<GenerationId> successor) {
    if (!worker.channel || !successor) return std::nullopt;
    const Generation* generation = find_generation(step.instance, *successor);
    require(generation != nullptr, "a successor lives");
    return takes_connections(*generation) ? successor : std::nullopt;
}

// Nothing comes into a leaving generation's inbox any more. Those who hand over to it are sent on first, so
// that whoever finds it closed has been told of another one.
void leave_inbox(Step& step, Generation& leaving, std::optional<GenerationId> successor) {
    if (has_spoken(leaving)) close_inbox(step, leaving, successor);
    if (successor) offer_to_those_without(step);
}

// The generation lives on without that slot, whose worker leaves the inbox to those who are there.
void leave_inbox_to_peers(Step& step, Generation& generation, const SlotRecord& left,
                          std::optional<GenerationId> successor) {
    if (!left.spoke) return;
    const bool was_the_last =
        takes_now(generation, left) && std::ranges::none_of(generation.slots, [&](const SlotRecord& slot) {
            return takes_now(generation, slot);
        });
    if (was_the_last || !takes_connections(generation)) close_inbox(step, generation, successor);
}

void forward_inbox(Step& step, GenerationId gone) {
    const Generation* active = active_generation(step.instance);
    if (active == nullptr || !takes_connections(*active)) return;
    step.act(ForwardInbox{gone, active->id});
}

}  // namespace sup::core
