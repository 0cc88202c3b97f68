// What a step changes for those outside, when it is over.
#include <algorithm>

#include "master/core/rules.h"

namespace sup::core {
namespace {

std::vector<Slot> accepting(const Generation& generation) {
    std::vector<Slot> slots;
    for (const auto& [id, worker] : generation.workers) {
        if (worker.is<Worker::Ready>()) slots.push_back(worker.slot);
    }
    return slots;
}

Serving who_serves(const Instance& instance) {
    Serving serving;
    for (auto entry = instance.generations.rbegin(); entry != instance.generations.rend(); ++entry) {
        const Generation& generation = entry->second;
        serving.push_back({generation.id, generation.state,
                           static_cast<std::uint32_t>(generation.slots.size()), accepting(generation)});
    }
    return serving;
}

std::vector<WorkerId> who_may_wait(const Instance& instance) {
    std::vector<WorkerId> patient;
    const Generation* active = active_generation(instance);
    const bool calm =
        active != nullptr && !is_ending(instance) && !instance.reload && instance.waiting.empty();
    if (!calm) return patient;
    for (const auto& [id, worker] : active->workers) {
        if (worker.is<Worker::Ready>()) patient.push_back(id);
    }
    return patient;
}

void tell_patience(Step& step, const std::vector<WorkerId>& before, const std::vector<WorkerId>& now) {
    for (const WorkerId id : before) {
        if (!std::ranges::binary_search(now, id) && find_worker(step.instance, id) != nullptr)
            step.act(SetPatience{id, false});
    }
    for (const WorkerId id : now) {
        if (!std::ranges::binary_search(before, id)) step.act(SetPatience{id, true});
    }
}

// The numbers that the step's news ends with.
class Numbers {
public:
    Numbers(const Instance& instance, const Serving& serving) : instance_(instance), serving_(serving) {}

    void add(GenerationChanged& news) const {
        const ServingGeneration* found = find(news.generation);
        if (found == nullptr) return;
        news.ready = static_cast<std::uint32_t>(found->accepting.size());
        // A rolling reload has drained most before.
        news.workers = news.state == GenerationState::draining ? living(news.generation) : found->slots;
    }
    void add(WorkerChanged& news) const {
        const ServingGeneration* found = find(news.generation);
        if (found == nullptr || news.state != WorkerState::ready) return;
        news.ready = static_cast<std::uint32_t>(found->accepting.size());
        news.count = found->slots;
    }
    void add(Reply& reply) const {
        auto* failed = std::get_if<Reply::Failed>(&reply.outcome);
        if (failed == nullptr || !failed->generation) return;
        if (const ServingGeneration* found = find(*failed->generation))
            failed->still_serving = static_cast<std::uint32_t>(found->accepting.size());
    }
    template <typename Other>
    void add(Other&) const {}

private:
    const ServingGeneration* find(GenerationId id) const {
        const auto found = std::ranges::find(serving_, id, &ServingGeneration::generation);
        return found == serving_.end() ? nullptr : &*found;
    }
    std::uint32_t living(GenerationId id) const {
        return static_cast<std::uint32_t>(instance_.generations.at(id).workers.size());
    }

    const Instance& instance_;
    const Serving& serving_;
};

}  // namespace

Outlook look(const Instance& instance) {
    return {who_serves(instance), who_may_wait(instance)};
}

void tell_changes(Step& step, const Outlook& before) {
    const Outlook now = look(step.instance);
    const Numbers numbers(step.instance, now.serving);
    for (Action& action : step.actions) {
        std::visit([&](auto& one) { numbers.add(one); }, action);
    }
    if (now.serving != before.serving) step.actions.insert(step.actions.begin(), Steer{now.serving});
    tell_patience(step, before.patient, now.patient);
}

}  // namespace sup::core
