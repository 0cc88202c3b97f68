#include "tests/sim/model.h"

#include <algorithm>

namespace sup::sim {
namespace {

using core::GenerationState;

template <typename Things, typename Predicate>
auto* first(Things& things, Predicate predicate) {
    const auto found = std::find_if(things.begin(), things.end(), predicate);
    return found == things.end() ? nullptr : &*found;
}

template <typename Id>
auto with(Id id) {
    return [id](const auto& thing) { return thing.id == id; };
}

bool is_active(const GenerationModel& generation) {
    return generation.state == GenerationState::active;
}

bool is_candidate(const GenerationModel& generation) {
    return generation.state == GenerationState::starting || generation.state == GenerationState::soaking;
}

}  // namespace

Worker* Model::worker(core::WorkerId id) {
    return first(workers, with(id));
}

const Worker* Model::worker(core::WorkerId id) const {
    return first(workers, with(id));
}

GenerationModel* Model::generation(core::GenerationId id) {
    return first(generations, with(id));
}

const GenerationModel* Model::generation(core::GenerationId id) const {
    return first(generations, with(id));
}

GenerationModel* Model::active() {
    return first(generations, is_active);
}

const GenerationModel* Model::active() const {
    return first(generations, is_active);
}

GenerationModel* Model::candidate() {
    return first(generations, is_candidate);
}

std::uint32_t Model::leaving() const {
    return static_cast<std::uint32_t>(
        std::count_if(generations.begin(), generations.end(),
                      [&](const GenerationModel& g) { return g.leaving() && !still_serves(g); }));
}

bool Model::populated(core::GenerationId id) const {
    return std::any_of(workers.begin(), workers.end(), [&](const Worker& w) { return w.generation == id; });
}

Duration Model::soak_of(const Worker& worker) const {
    const GenerationModel& own = *generation(worker.generation);
    if (active() == nullptr) return own.policy.start_soak;
    const bool another_has_soaked = std::ranges::any_of(workers, [&](const Worker& other) {
        return other.id != worker.id && other.generation == own.id && other.serving();
    });
    return another_has_soaked ? own.policy.later_soak : own.policy.soak;
}

bool Model::all_ready(const GenerationModel& generation) const {
    return std::all_of(generation.slots.begin(), generation.slots.end(), [&](const SlotModel& slot) {
        const Worker* filled = slot.worker ? worker(*slot.worker) : nullptr;
        return filled != nullptr && filled->state == core::WorkerState::ready;
    });
}

bool Model::takes(const GenerationModel& generation) const {
    const bool leaves = generation.leaving() || generation.state == core::GenerationState::gone;
    return !leaves && !generation.inbox_closed && generation.promises();
}

bool Model::last_taker(const Worker& worker) const {
    if (!worker.channel || worker.draining() || worker.killing()) return false;
    const GenerationModel& own = *generation(worker.generation);
    return std::none_of(own.slots.begin(), own.slots.end(), [&](const SlotModel& slot) {
        const Worker* other = slot.worker ? this->worker(*slot.worker) : nullptr;
        return other != nullptr && other->id != worker.id && other->channel && other->staying();
    });
}

}  // namespace sup::sim
