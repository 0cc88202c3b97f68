#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

namespace {

// What it breaks when a generation does not become what it must now be.
Property broken_by_silence(GenerationState due) {
    switch (due) {
        case GenerationState::active: return Property::promoted_in_time;
        case GenerationState::aborting: return Property::failed_is_ended;
        case GenerationState::gone: return Property::released_once;
        case GenerationState::starting:
        case GenerationState::soaking:
        case GenerationState::draining: break;
    }
    return Property::told_truly;
}

}  // namespace

void Checker::after(const Event& event, TimePoint now, const std::vector<Action>& actions,
                    std::optional<TimePoint> next_deadline) {
    now_ = now;
    reached_.reset();
    model_.deadline_due = model_.next_deadline && *model_.next_deadline <= now;
    model_.next_deadline = next_deadline;
    aborted_ = false;
    ends_ = false;
    if (model_.exited) {
        require(actions.empty(), Property::exit_once, "something is done after Exit");
        return;
    }
    coverage_.visit(model_, event);
    const auto* exited = std::get_if<WorkerExited>(&event);
    served_ = served_slots(exited != nullptr ? std::optional(exited->worker) : std::nullopt);
    const bool meant = std::visit([this](const auto& what) { return happened(what); }, event);
    roll();
    require(meant || actions.empty(), Property::gone_ignored, "an event without meaning is acted upon");
    for (const Action& action : actions) {
        require(!model_.exited, Property::exit_once, "Exit is not the last action");
        require(&action == &actions.front() || !std::holds_alternative<Steer>(action),
                Property::actions_complete, "it is not told first who serves");
        std::visit([this](const auto& what) { done(what); }, action);
    }
    for (const Action& action : actions) numbers_hold(action);
    settled();
}

void Checker::settled() {
    nothing_owed();
    offers_hold();
    slots_filled();
    steps_run();
    deadline_told();
    reload_runs();
    serving_told();
    patience_told();
    std::erase_if(model_.generations,
                  [](const GenerationModel& g) { return g.state == GenerationState::gone; });
    model_.just_exited.clear();
}

void Checker::nothing_owed() const {
    for (const GenerationModel& generation : model_.generations) {
        if (!generation.untold.empty())
            throw Violation{broken_by_silence(generation.untold.front()),
                            "a generation's change does not come"};
        require(!generation.release_owed, Property::released_once, "a generation is gone and not released");
        require(!generation.count_owed, Property::scaled_by_request, "a count changed untold");
    }
    for (const Worker& worker : model_.workers) {
        if (worker.owed) throw Violation{worker.owed_by, "a worker that must leave is not signalled"};
        require(worker.told == worker.state, Property::told_truly, "a worker's change is not told");
    }
    for (const Worker& worker : model_.just_exited)
        require(worker.told == WorkerState::exited, Property::told_truly, "a worker's exit is not told");
    require(!promote_owed_ && !give_up_owed_ && !note_owed_ && restores_owed_.empty(),
            Property::actions_complete, "a promotion or a failure is told, and not performed");
    require(model_.replies_owed.empty(), Property::one_outcome, "a request has its outcome, and no reply");
    require(!model_.exit_owed, Property::exit_once, "nothing is left, and Exit does not come");
}

void Checker::slots_filled() const {
    for (const GenerationModel& generation : model_.generations) {
        if (generation.leaving() || generation.state == GenerationState::gone) continue;
        for (Slot number = 0; number < generation.count(); ++number) {
            const SlotModel& slot = generation.slots[number];
            require(!slot.restart_owed && !slot.spawn_owed, Property::slot_never_forgotten,
                    "a slot's worker ended, and no restart is planned");
            if (!slot.worker && !slot.restart_at && generation.shares_slots() &&
                (&generation == model_.rolling_candidate() || model_.served_beside(generation, number)))
                continue;
            require(slot.worker.has_value() != slot.restart_at.has_value(), Property::slot_never_forgotten,
                    "a slot has neither a worker nor a restart to come");
        }
    }
}

void Checker::reload_runs() const {
    require(!may_begin_reload(), Property::cap_kept, "a reload may begin, and does not");
    require(model_.ending || model_.next.empty() || !model_.current.empty() || model_.waits_for.has_value(),
            Property::told_truly, "a reload waits, and nobody is told");
    const auto excused = std::count_if(
        model_.generations.begin(), model_.generations.end(),
        [&](const GenerationModel& g) { return g.excused && g.leaving() && !model_.still_serves(g); });
    require(model_.leaving() <= std::max(model_.cap, 1U) + excused || model_.ending, Property::cap_kept,
            "more generations are on their way out than the cap allows");
}

void Checker::at_rest() const {
    if (model_.exited) return;
    require(!model_.ending, Property::stop_leaves_nothing, "the instance was to end, and something is left");
    require(model_.generations.size() == 1 && model_.generations[0].state == GenerationState::active,
            Property::converges, "more than the active generation is left, or none");
    const GenerationModel& active = model_.generations[0];
    require(model_.workers.size() == active.slots.size(), Property::converges,
            "there are not `count` workers");
    for (const Worker& worker : model_.workers)
        require(worker.state == WorkerState::ready, Property::converges, "a worker is not ready");
    require(model_.next.empty() && model_.current.empty() && active.waiters.empty(), Property::converges,
            "a request is still without an answer");
    require(!model_.next_deadline, Property::converges, "an idle instance waits for a deadline");
}

}  // namespace sup::sim
