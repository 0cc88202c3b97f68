#include <algorithm>

#include "tests/sim/checker.h"
#include "tests/sim/number_of.h"

namespace sup::sim {

using namespace core;

void Checker::done(const Prepare& action) {
    require(!model_.ending && !model_.next.empty() && model_.current.empty(), Property::coalesced,
            "a preparation that nobody asked for");
    require(may_begin_reload(), Property::cap_kept, "a reload begins although it must wait");
    require(static_cast<std::uint32_t>(action.generation) == model_.last_number + 1, Property::numbers_unique,
            "a preparation is for the next number");
    require(action.serving == active_id(), Property::actions_complete,
            "a preparation is not told who serves meanwhile");
    begin_reload();
    model_.preparing = action.generation;
    model_.waits_for.reset();
}

void Checker::done(const Spawn& action) {
    require(model_.worker_ids.insert(number_of(action.worker)).second, Property::only_the_living,
            "a worker's id is used twice");
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr && action.slot < generation->slots.size(), Property::own_snapshot,
            "a worker is spawned where there is no slot");
    SlotModel& slot = generation->slots[action.slot];
    require(!slot.worker, Property::own_snapshot, "a worker is spawned into a slot that has one");
    if (!slot.spawn_owed && !slot.restart_at) {
        step_begins(*generation, action.slot);
    } else if (!slot.spawn_owed) {
        require(*slot.restart_at <= now_, Property::backoff_kept,
                "a worker restarts before its delay is over");
    }
    slot.spawn_owed = false;
    slot.restart_at.reset();
    slot.worker = action.worker;
    model_.workers.push_back({.id = action.worker,
                              .generation = action.generation,
                              .slot = action.slot,
                              .spawned_at = now_,
                              .restarts = slot.spawns++});
    roll();
}

Worker& Checker::living(WorkerId id) {
    Worker* worker = model_.worker(id);
    require(worker != nullptr, Property::only_the_living, "a worker is signalled that does not live");
    return *worker;
}

// What it breaks to signal this worker although nothing asks for it.
Property Checker::unasked_signal(const Worker& worker) const {
    switch (model_.generation(worker.generation)->state) {
        case GenerationState::active:
            return aborted_ ? Property::aborted_changes_nothing : Property::active_left_alone;
        case GenerationState::draining: return Property::replaced_is_drained;
        case GenerationState::starting:
        case GenerationState::soaking:
        case GenerationState::aborting:
        case GenerationState::gone: break;
    }
    return Property::failed_is_ended;
}

void Checker::done(const Drain& action) {
    Worker& worker = living(action.worker);
    const GenerationModel* candidate = model_.candidate();
    require(candidate == nullptr || action.successor != candidate->id ||
                (candidate->rolling() && model_.serves(*candidate, worker.slot)),
            Property::drained_after_successor,
            "a worker is drained towards a generation that does not serve yet");
    if (worker.owed) {
        const Drain* owed = std::get_if<Drain>(&*worker.owed);
        require(owed != nullptr, worker.owed_by, "a worker is drained that should be killed");
        require(owed->successor == action.successor, worker.owed_by,
                "a worker is drained towards the wrong successor");
    } else {
        changes_hands(worker, action);
    }
    check_offer(worker, action);
    check_successor(action.successor, action.successor_slots);
    require(action.successor.has_value() != model_.ending, Property::actions_complete,
            "a worker drains without a successor, and not because everything stops");
    const bool for_a_reload = action.successor && *action.successor != worker.generation;
    require(action.reload ==
                (for_a_reload ? std::optional(std::max(*action.successor, worker.generation)) : std::nullopt),
            Property::actions_complete, "it is told wrongly for which reload a worker drains");
    if (action.successor) {
        require(model_.generation(*action.successor)->told == GenerationState::active ||
                    (candidate != nullptr && action.successor == candidate->id),
                Property::drained_after_successor, "a worker is drained before its successor was promoted");
        // Those who wait for the end of a replaced generation are told later than its replacement drains
        // others.
        const bool replaced = model_.generation(worker.generation)->state == GenerationState::draining;
        for (const Reply& reply : model_.replies_owed) {
            const auto* promoted = std::get_if<Reply::Promoted>(&reply.outcome);
            require(!replaced || promoted == nullptr || promoted->generation != action.successor,
                    Property::one_outcome,
                    "a worker is drained before the askers were told of the promotion");
        }
    }
    worker.owed.reset();
    worker.successor = action.successor;
    worker.inbox = action.inbox;
    worker.heard_of_the_end = !action.successor;
    worker.state = WorkerState::draining;
    worker.due = now_ + model_.generation(worker.generation)->policy.drain_timeout;
}

void Checker::done(const Kill& action) {
    Worker& worker = living(action.worker);
    GenerationModel& generation = *model_.generation(worker.generation);
    require(!worker.killing(), Property::failed_is_ended, "a worker is killed twice");
    if (!worker.owed && worker.draining()) {
        require(worker.due <= now_, Property::deadline_kept,
                "a draining worker is killed before its deadline");
        require(action.reason == Kill::Reason::drain_timeout, Property::told_truly,
                "a kill names the wrong reason");
        coverage_.visit(Situation::killed_at_drain_deadline);
    } else if (!worker.owed) {
        const bool may_time_out = worker.state == WorkerState::starting && !generation.policy.ready_after &&
                                  action.reason == Kill::Reason::ready_timeout;
        if (!may_time_out)
            throw Violation{unasked_signal(worker), "a worker is killed that nothing asks to leave"};
        require(worker.due <= now_, Property::deadline_kept, "a worker is killed before its ready timeout");
        if (generation.state == GenerationState::starting) {
            abort(generation, failure::ReadyTimeout{worker.id, worker.slot});
        } else {
            coverage_.visit(Situation::active_ready_timeout);
        }
    }
    if (worker.owed) {
        const Kill* owed = std::get_if<Kill>(&*worker.owed);
        require(owed != nullptr, worker.owed_by, "a worker is killed that should be drained");
        require(owed->reason == action.reason, worker.owed_by, "a worker is killed for the wrong reason");
    }
    if (worker.inbox) coverage_.visit(Situation::killed_while_handing_over);
    worker.inbox.reset();
    worker.owed.reset();
    worker.state = WorkerState::killing;
}

void Checker::done(const Release& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr, Property::released_once, "a generation is released that is not there");
    require(generation->release_owed, Property::released_once, "a generation is released that is not gone");
    inbox_released(*generation);
    generation->release_owed = false;
    owe_restored_sockets(*generation);
}

void Checker::told_before(GenerationId id, GenerationState news) const {
    const GenerationModel* generation = model_.generation(id);
    require(generation == nullptr || std::ranges::find(generation->untold, news) == generation->untold.end(),
            Property::told_truly, "a reply comes before the news of what it tells");
}

void Checker::done(const Reply& action) {
    auto& owed = model_.replies_owed;
    const auto reply =
        std::find_if(owed.begin(), owed.end(), [&](const Reply& r) { return r.request == action.request; });
    const bool stopped = std::holds_alternative<Reply::Stopped>(action.outcome);
    require(reply != owed.end() || !stopped, Property::stop_leaves_nothing,
            "a stop is answered while something is left");
    require(reply != owed.end(), Property::one_outcome,
            "a reply is not due: answered already, not known yet, or not asked");
    require(reply->outcome.index() == action.outcome.index(), Property::one_outcome,
            "a reply tells the wrong outcome");
    if (const auto* promoted = std::get_if<Reply::Promoted>(&action.outcome)) {
        const auto& due = std::get<Reply::Promoted>(reply->outcome);
        require(promoted->generation == due.generation, Property::one_outcome,
                "a reply names the wrong generation");
        require(promoted->wait == due.wait, Property::actions_complete,
                "a reply says wrongly what it was waited for");
        require(!promote_owed_, Property::actions_complete,
                "a reply comes before what it tells is performed");
        told_before(promoted->generation, GenerationState::active);
    }
    if (const auto* failed = std::get_if<Reply::Failed>(&action.outcome)) {
        const auto& due = std::get<Reply::Failed>(reply->outcome);
        require(failed->generation == due.generation, Property::one_outcome,
                "a reply names the wrong generation");
        require(failed->failure == due.failure, Property::one_outcome, "a reply gives the wrong reason");
        if (failed->generation) told_before(*failed->generation, GenerationState::aborting);
    }
    owed.erase(reply);
}

void Checker::done(const GenerationChanged& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr, Property::only_the_living, "a generation changes that is not there");
    if (action.state == GenerationState::active && generation->state == GenerationState::soaking) {
        require(*generation->soaked_at <= now_, Property::promoted_in_time,
                "a generation is promoted before it has soaked");
        promote(*generation);
    }
    require(action.state != GenerationState::soaking || generation->state == GenerationState::soaking,
            Property::promoted_in_time, "a generation soaks that is not ready");
    require(action.soak ==
                (action.state == GenerationState::soaking ? std::optional(generation->soak) : std::nullopt),
            Property::told_truly, "it is told wrongly how long a generation soaks");
    require(action.state != GenerationState::active || generation->state == GenerationState::active,
            Property::promoted_in_time, "a generation is promoted that is not ready");
    const auto* timeout = action.failure ? std::get_if<failure::ReadyTimeout>(&*action.failure) : nullptr;
    if (action.state == GenerationState::aborting && generation->state == GenerationState::starting &&
        timeout != nullptr) {
        const Worker& late = living(timeout->worker);
        require(late.generation == generation->id && late.state == WorkerState::starting && late.due <= now_,
                Property::deadline_kept, "a generation fails for a ready timeout that has not passed");
        abort(*generation, *action.failure);
    }
    require(action.state != GenerationState::draining || generation->state != GenerationState::active,
            Property::drained_after_successor, "a generation drains that nothing has replaced");
    require(!generation->untold.empty() && generation->untold.front() == action.state, Property::told_truly,
            "a generation's change is told that did not happen, or twice, or out of order");
    require(
        action.failure == (action.state == GenerationState::aborting ? generation->failure : std::nullopt),
        Property::told_truly, "a generation's failure is told wrongly");
    generation->untold.erase(generation->untold.begin());
    generation->told = action.state;
}

void Checker::done(const WorkerChanged& action) {
    Worker* worker = model_.worker(action.worker);
    if (action.state == WorkerState::exited) {
        const auto found = std::find_if(model_.just_exited.begin(), model_.just_exited.end(),
                                        [&](const Worker& w) { return w.id == action.worker; });
        worker = found == model_.just_exited.end() ? nullptr : &*found;
        if (worker != nullptr && worker->told != WorkerState::exited) worker->state = WorkerState::exited;
    }
    require(worker != nullptr, Property::only_the_living, "a worker changes that does not live");
    require(worker->generation == action.generation && worker->slot == action.slot, Property::told_truly,
            "a worker's change names the wrong generation or slot");
    const bool delayed = model_.generation(worker->generation)->policy.ready_after.has_value();
    if (action.state == WorkerState::ready && worker->state == WorkerState::starting && delayed) {
        require(worker->due <= now_, Property::promoted_in_time,
                "a worker counts as ready before its delay is over");
        became_ready(*worker);
    }
    require(action.state == worker->state && worker->told != worker->state, Property::told_truly,
            "a worker's change is told that did not happen, or twice");
    worker->told = action.state;
}

void Checker::done(const RestartScheduled& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr && action.slot < generation->slots.size(), Property::own_snapshot,
            "a restart is planned where there is no slot");
    SlotModel& slot = generation->slots[action.slot];
    require(slot.restart_owed, Property::own_snapshot, "a restart is planned of a worker that did not end");
    slot.restart_owed = false;
    require(action.short_lives == slot.short_lives, Property::backoff_kept,
            "short lives are counted wrongly");
    if (slot.spawn_owed) {
        require(action.delay == Duration{0}, Property::backoff_kept,
                "a restart after a long life is delayed");
        return;
    }
    const Policy& policy = generation->policy;
    Duration base = policy.backoff_min;
    for (std::uint32_t life = 1; life < slot.short_lives && base < policy.backoff_max; ++life) base *= 2;
    base = std::min(base, policy.backoff_max);
    const Duration longest = std::min(policy.backoff_max, base * 3 / 2);
    require(action.delay >= base, Property::backoff_kept, "a restart's delay is shorter than the backoff");
    require(action.delay <= longest, Property::backoff_kept,
            "a restart's delay is longer than the backoff allows");
    if (action.delay > base) coverage_.visit(Situation::restart_with_jitter);
    if (base == policy.backoff_max && base > policy.backoff_min)
        coverage_.visit(Situation::restart_at_backoff_max);
    if (slot.short_lives > 5) coverage_.visit(Situation::many_short_lives);
    if (slot.short_lives > 64) coverage_.visit(Situation::too_many_short_lives_to_double);
    slot.restart_at = now_ + action.delay;
    roll();
}

void Checker::done(const ReloadWaits& action) {
    const GenerationModel* active = model_.active();
    require(active != nullptr && !model_.next.empty() && model_.current.empty(), Property::coalesced,
            "a reload is said to wait, and none does");
    require(action.draining == model_.leaving() && action.max_draining == active->policy.max_draining &&
                action.draining >= action.max_draining,
            Property::cap_kept, "what a reload waits for is told wrongly");
    require(model_.waits_for != action.draining, Property::told_truly, "the same wait is told twice");
    model_.waits_for = action.draining;
    coverage_.visit(Situation::reload_waits_for_cap);
}

void Checker::done(const CountChanged& action) {
    GenerationModel* generation = model_.generation(action.generation);
    require(generation != nullptr && generation->count_owed && action.count == generation->count(),
            Property::scaled_by_request, "a count is told that nobody asked for");
    generation->count_owed = false;
}

void Checker::done(const Exit& action) {
    require(model_.exit_owed, Property::exit_once, "Exit comes while something is left");
    require(action.code == model_.exit_code, Property::exit_once, "Exit has the wrong code");
    model_.exit_owed = false;
    model_.exited = true;
    nothing_owed();
}

}  // namespace sup::sim
