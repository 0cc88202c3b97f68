// Slots that change hands one by one: forward in a rolling reload, and back when it fails.
#include <algorithm>
#include <utility>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

GenerationModel* Model::rolling_candidate() {
    GenerationModel* upcoming = candidate();
    return upcoming != nullptr && upcoming->rolling() ? upcoming : nullptr;
}

const GenerationModel* Model::rolling_candidate() const {
    for (const GenerationModel& generation : generations)
        if (generation.state == GenerationState::starting && generation.rolling()) return &generation;
    return nullptr;
}

bool Model::still_serves(const GenerationModel& generation) const {
    return generation.state == GenerationState::aborting &&
           std::any_of(workers.begin(), workers.end(), [&](const Worker& worker) {
               return worker.generation == generation.id && worker.staying();
           });
}

bool Model::serves(const GenerationModel& generation, Slot slot) const {
    if (slot >= generation.count() || !generation.slots[slot].worker) return false;
    const Worker* filled = worker(*generation.slots[slot].worker);
    return filled != nullptr && filled->serving();
}

bool Model::served_beside(const GenerationModel& generation, Slot slot) const {
    return std::any_of(generations.begin(), generations.end(), [&](const GenerationModel& other) {
        return other.id != generation.id && other.state != GenerationState::active && other.shares_slots() &&
               serves(other, slot);
    });
}

std::uint32_t Model::occupants(Slot slot) const {
    std::uint32_t count = 0;
    for (const Worker& worker : workers)
        if (worker.slot == slot && generation(worker.generation)->shares_slots()) ++count;
    for (const GenerationModel& generation : generations)
        if (generation.shares_slots() && slot < generation.count() && generation.slots[slot].restart_at)
            ++count;
    return count;
}

Slot Model::shared_slots() const {
    Slot slots = 0;
    for (const GenerationModel& generation : generations)
        if (generation.shares_slots()) slots = std::max(slots, generation.count());
    for (const Worker& worker : workers)
        if (generation(worker.generation)->shares_slots()) slots = std::max(slots, worker.slot + 1);
    return slots;
}

std::uint32_t Model::steps() const {
    const GenerationModel* upcoming = rolling_candidate();
    std::uint32_t count = 0;
    for (Slot slot = 0; slot < shared_slots(); ++slot) {
        const bool awaited = upcoming != nullptr && slot < upcoming->count() &&
                             upcoming->slots[slot].worker && !serves(*upcoming, slot);
        if (awaited || occupants(slot) > 1) ++count;
    }
    return count;
}

const GenerationModel* Model::roll_target() const {
    if (ending || active() == nullptr) return nullptr;
    return rolling_candidate() != nullptr ? rolling_candidate() : active();
}

// As the newest that takes part has it.
std::uint32_t Model::max_surge() const {
    std::uint32_t surge = 1;
    for (const GenerationModel& generation : generations)
        if (&generation == rolling_candidate() || still_serves(generation))
            surge = *generation.policy.max_surge;
    return surge;
}

namespace {

// Whether a generation that failed before this worker's has the slot still.
bool kept_by_older(const Model& model, const Worker& worker) {
    return std::any_of(model.workers.begin(), model.workers.end(), [&](const Worker& other) {
        return other.generation < worker.generation && other.slot == worker.slot && other.serving() &&
               model.generation(other.generation)->state == GenerationState::aborting;
    });
}

}  // namespace

// While a rolling reload is under way, a slot of the active generation is whose worker serves there: of the
// new one; or of one that failed, as long as the active one's own is only to come back.
void Checker::roll() {
    GenerationModel* active = model_.active();
    const GenerationModel* next = model_.rolling_candidate();
    if (model_.ending || active == nullptr || next == nullptr) return;
    for (Slot number = 0; number < active->count(); ++number) {
        SlotModel& slot = active->slots[number];
        const bool given_up = slot.restart_at && model_.served_beside(*active, number);
        const Worker* leaver = slot.worker ? model_.worker(*slot.worker) : nullptr;
        const bool passed_on = leaver != nullptr && leaver->staying() && model_.serves(*next, number);
        if (!given_up && !passed_on) continue;
        if (given_up)
            coverage_.visit(model_.serves(*next, number) ? Situation::old_worker_replaced_unready
                                                         : Situation::restoring_given_up);
        slot.worker.reset();
        slot.restart_at.reset();
        if (std::exchange(slot.spoke, false)) taker_left(*active, leaver, next->id);
    }
}

// A worker drains for who serves in its slot. Who serves in a slot that is nobody's makes way for nobody.
void Checker::changes_hands(const Worker& leaver, const Drain& action) {
    const GenerationModel& own = *model_.generation(leaver.generation);
    const GenerationModel* to = action.successor ? model_.generation(*action.successor) : nullptr;
    const bool failed = own.state == GenerationState::aborting;
    bool served = false;
    if (to != nullptr && to != &own && own.shares_slots() && !leaver.killing() && !leaver.draining()) {
        const bool to_active = failed && to == model_.active();
        served = model_.serves(*to, leaver.slot) || (to_active && leaver.slot >= to->count()) ||
                 (to_active && kept_by_older(model_, leaver));
    }
    require(served || !failed || !leaver.serving(), Property::slot_stays_served,
            "a failed generation's worker leaves a slot that nobody serves yet");
    if (!served) throw Violation{unasked_signal(leaver), "a worker is drained that nothing asks to leave"};
    visit_change(leaver, *to);
}

void Checker::visit_change(const Worker& leaver, const GenerationModel& to) {
    const bool failed = model_.generation(leaver.generation)->state == GenerationState::aborting;
    if (&to != model_.active()) {
        coverage_.visit(failed ? Situation::slot_taken_over_from_failed : Situation::slot_replaced);
        if (leaver.state != WorkerState::ready) coverage_.visit(Situation::old_worker_replaced_unready);
    } else if (leaver.slot >= to.count()) {
        coverage_.visit(Situation::slot_beyond_count_given_up);
    } else {
        coverage_.visit(model_.serves(to, leaver.slot) ? Situation::slot_given_back
                                                       : Situation::slot_kept_by_older_failed);
    }
}

// Where somebody serves, nobody else stays: in a reload who came for it, else who had it first.
void Checker::slots_have_one_owner(const GenerationModel& active) const {
    const GenerationModel* next = model_.rolling_candidate();
    for (const Worker& worker : model_.workers) {
        const GenerationModel& own = *model_.generation(worker.generation);
        if (!worker.staying() || !own.shares_slots()) continue;
        require(next == nullptr || next == &own || !model_.serves(*next, worker.slot),
                Property::rolls_in_steps, "a slot's new worker serves, and another one stays");
        if (own.state != GenerationState::aborting) continue;
        require(worker.slot < active.count() && !model_.serves(active, worker.slot) &&
                    !kept_by_older(model_, worker),
                Property::slots_given_back, "a failed generation's worker keeps a slot that is not its own");
    }
}

// One of its workers serves from now on.
void Checker::slot_served(GenerationModel& generation) {
    if (generation.state != GenerationState::starting) return;
    for (Slot slot = 0; slot < generation.count(); ++slot)
        if (!model_.serves(generation, slot)) return roll();
    promote(generation);
}

// A worker is spawned that does not take the place of one that ended. A slot that nobody serves does not wait
// for its turn.
void Checker::step_begins(const GenerationModel& generation, Slot slot) {
    const GenerationModel* active = model_.active();
    if (!model_.ending && &generation == active && !model_.served_beside(*active, slot))
        return coverage_.visit(Situation::gap_filled_at_once);
    require(&generation == model_.roll_target(), Property::own_snapshot,
            "a worker is spawned that nothing asked for");
    require(model_.occupants(slot) <= 1, Property::rolls_in_steps,
            "a slot changes again before it was left by who drains there");
    require(model_.steps() < model_.max_surge(), Property::rolls_in_steps,
            "a slot begins to change although max_surge slots do already");
    surge_ = std::max(surge_, model_.max_surge());
    if (model_.steps() > 0) coverage_.visit(Situation::many_steps_at_once);
    if (slot >= active->count()) coverage_.visit(Situation::rolled_without_predecessor);
}

// Those that drain included, but for those beside the count: whose slot a request has taken away or given out
// again, and who leave with an earlier reload's. A surge is over when no slot changes any more.
void Checker::processes_bounded() {
    const auto counts = [&](const Worker& worker) {
        return !worker.killing() && !worker.beside_count &&
               model_.generation(worker.generation)->shares_slots();
    };
    const auto alive = std::count_if(model_.workers.begin(), model_.workers.end(), counts);
    require(alive <= std::int64_t{model_.shared_slots()} + surge_, Property::rolls_in_steps,
            "there are more processes than count and max_surge together");
    if (model_.steps() == 0) surge_ = 0;
}

// No slot waits for its turn that could have it, and none that was served is not.
void Checker::steps_run() {
    const GenerationModel* active = model_.active();
    if (model_.ending || active == nullptr) return;
    processes_bounded();
    slots_have_one_owner(*active);
    const std::vector<bool> served = served_slots(std::nullopt);
    for (Slot slot = 0; slot < active->count() && slot < served_.size(); ++slot)
        require(!served_[slot] || (slot < served.size() && served[slot]), Property::slot_stays_served,
                "a slot is left by who served it, and nobody else serves it");
    const GenerationModel& target = *model_.roll_target();
    if (model_.steps() >= model_.max_surge()) return;
    for (Slot slot = 0; slot < target.count(); ++slot) {
        const SlotModel& each = target.slots[slot];
        require(
            each.worker || each.restart_at || model_.occupants(slot) > 1,
            target.state == GenerationState::active ? Property::slots_given_back : Property::rolls_in_steps,
            "a slot could begin to change, and does not");
    }
}

// By ready workers of the active generation, or of one of a rolling reload.
std::vector<bool> Checker::served_slots(std::optional<WorkerId> beside) const {
    std::vector<bool> served;
    for (const Worker& worker : model_.workers) {
        if (worker.state != WorkerState::ready || worker.id == beside) continue;
        if (!model_.generation(worker.generation)->shares_slots()) continue;
        if (worker.slot >= served.size()) served.resize(worker.slot + std::size_t{1});
        served[worker.slot] = true;
    }
    return served;
}

}  // namespace sup::sim
