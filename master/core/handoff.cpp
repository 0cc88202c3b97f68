// Who hands its connections over to whom. A generation's inbox is a second accept queue, and may be offered
// only while somebody there will take from it: what is put into any other would wait for ever.
#include <algorithm>

#include "master/core/rules.h"

namespace sup::core {
namespace {

// A worker that is restarted speaks the channel again, so one that did is a promise for its slot.
bool takes_connections(const Generation& generation, std::optional<WorkerId> other_than) {
    if (is_leaving(generation)) return false;
    return std::ranges::any_of(generation.workers, [&](const auto& entry) {
        const Worker& worker = entry.second;
        return worker.channel && worker.id != other_than && !is_leaving(worker);
    });
}

}  // namespace

void on(Step& step, const WorkerOpenedChannel& event) {
    Worker* worker = find_worker(step.instance, event.worker);
    if (worker != nullptr && worker->spawned) worker->channel = true;
}

// The successor's inbox, if this worker can hand over and somebody there can take.
std::optional<GenerationId> inbox_for(Step& step, const Worker& worker,
                                      std::optional<GenerationId> successor) {
    if (!worker.channel || !successor) return std::nullopt;
    const Generation* generation = find_generation(step.instance, *successor);
    require(generation != nullptr, "a successor lives");
    return takes_connections(*generation, worker.id) ? successor : std::nullopt;
}

// Those who hand over to a generation where nobody will take any more are sent on, to a successor or to none.
void redirect_handoffs(Step& step, GenerationId leaving, std::optional<GenerationId> successor) {
    for (auto& [generation_id, generation] : step.instance.generations) {
        for (auto& [worker_id, worker] : generation.workers) {
            if (worker.state != WorkerState::draining || worker.inbox != leaving) continue;
            worker.inbox = inbox_for(step, worker, successor);
            step.act(OfferInbox{worker.id, worker.inbox});
        }
    }
}

// The last of a generation that takes from its inbox leaves it, and the generation lives on.
void withdraw_inbox_after(Step& step, const Generation& generation, std::optional<WorkerId> leaving,
                          std::optional<GenerationId> successor) {
    if (takes_connections(generation, leaving)) return;
    redirect_handoffs(step, generation.id, successor);
}

void forward_inbox(Step& step, GenerationId gone) {
    const Generation* active = active_generation(step.instance);
    if (active == nullptr || !takes_connections(*active, std::nullopt)) return;
    step.act(ForwardInbox{gone, active->id});
}

}  // namespace sup::core
