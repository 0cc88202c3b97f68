#include <algorithm>
#include <utility>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

// The next reload begins as soon as none runs and the cap allows it.
bool Checker::may_begin_reload() const {
    if (model_.ending || model_.next.empty() || !model_.current.empty()) return false;
    const GenerationModel* active = model_.active();
    return active == nullptr || model_.leaving() < active->policy.max_draining;
}

void Checker::begin_reload() {
    const GenerationModel* active = model_.active();
    model_.cap = active != nullptr ? active->policy.max_draining : 1;
    for (GenerationModel& generation : model_.generations) {
        if (!model_.still_serves(generation)) continue;
        generation.excused = true;
        coverage_.visit(Situation::reload_while_given_back);
    }
    model_.current = std::exchange(model_.next, {});
}

void Checker::owe_reply(RequestId request, decltype(Reply::outcome) outcome) {
    model_.replies_owed.push_back({request, std::move(outcome)});
}

void Checker::fail_askers(const Failure& failure, std::optional<GenerationId> generation) {
    for (const Asker& asker : model_.current) owe_reply(asker.request, Reply::Failed{generation, failure});
    model_.current.clear();
    if (!model_.next.empty() && !model_.ending) coverage_.visit(Situation::coalesced_after_failure);
}

void Checker::owe_drain(Worker& worker, std::optional<GenerationId> successor, Property property) {
    if (worker.draining() || worker.killing()) return;
    worker.soaking = false;
    worker.owed = Drain{worker.id, successor};
    worker.owed_by = property;
    if (worker.state == WorkerState::spawning) coverage_.visit(Situation::drained_in_spawning);
    if (worker.state == WorkerState::starting) coverage_.visit(Situation::drained_before_ready);
}

void Checker::owe_kill(Worker& worker, Kill::Reason reason, Property property) {
    if (worker.killing()) return;
    worker.soaking = false;
    worker.owed = Kill{worker.id, reason};
    worker.owed_by = property;
}

void Checker::became_ready(Worker& worker) {
    worker.state = WorkerState::ready;
    worker.was_ready = true;
    restores_owed_.push_back({worker.generation, active_id()});
    GenerationModel& generation = *model_.generation(worker.generation);
    if (generation.rolling() && generation.state == GenerationState::starting) {
        const Duration soak = model_.soak_of(worker);
        worker.soaking = soak > Duration{0};
        worker.soak = soak;
        worker.due = now_ + soak;
        if (!worker.soaking) slot_served(generation);
        return;
    }
    if (generation.state != GenerationState::starting) return roll();
    if (!model_.all_ready(generation)) return;
    const Duration soak = model_.active() != nullptr ? generation.policy.soak : generation.policy.start_soak;
    if (soak > Duration{0}) {
        generation.become(GenerationState::soaking);
        generation.soaked_at = now_ + soak;
        generation.soak = soak;
    } else {
        promote(generation);
    }
}

void Checker::promote(GenerationModel& generation) {
    GenerationModel* old = model_.active();
    promote_owed_ = Promote{generation.id, active_id()};
    generation.become(GenerationState::active);
    generation.soaked_at.reset();
    for (const Asker& asker : model_.current) {
        if (asker.wait == WaitFor::drained && old != nullptr) {
            old->waiters.push_back(asker.request);
        } else {
            owe_reply(asker.request, Reply::Promoted{generation.id, asker.wait});
        }
    }
    model_.current.clear();
    for (Worker& worker : model_.workers) {
        if (model_.generation(worker.generation)->state != GenerationState::aborting) continue;
        worker.beside_count = true;  // it leaves with those who are replaced
        if (!worker.staying()) continue;
        coverage_.visit(Situation::promoted_over_failed);
        owe_drain(worker, generation.id, Property::replaced_is_drained);
    }
    if (old != nullptr) {
        old->become(GenerationState::draining);
        old->replacement = generation.id;
        for (SlotModel& slot : old->slots) slot.restart_at.reset();
        for (Worker& worker : model_.workers) {
            if (worker.generation == old->id) owe_drain(worker, generation.id, Property::replaced_is_drained);
        }
        if (!model_.populated(old->id)) {
            coverage_.visit(Situation::promoted_over_empty_generation);
            gone(*old);
        }
    }
}

void Checker::abort(GenerationModel& generation, const Failure& failure) {
    aborted_ = true;
    generation.become(GenerationState::aborting);
    give_up_owed_ = GiveUp{generation.id, active_id()};
    generation.failure = failure;
    generation.soaked_at.reset();
    const GenerationModel* active = model_.active();
    const auto successor = active != nullptr && !model_.ending ? std::optional{active->id} : std::nullopt;
    const auto* out_of_reach = std::get_if<failure::OutOfReach>(&failure);
    const auto* timed_out = std::get_if<failure::ReadyTimeout>(&failure);
    for (Worker& worker : model_.workers) {
        if (worker.generation != generation.id) continue;
        if (out_of_reach != nullptr && out_of_reach->worker == worker.id) continue;  // killed
        if (worker.state == WorkerState::spawning) coverage_.visit(Situation::aborted_in_spawning);
        if (generation.rolling() && successor && worker.state == WorkerState::ready) {
            coverage_.visit(Situation::rolling_failed_midway);
            worker.soaking = false;
        } else if (worker.state == WorkerState::ready || generation.policy.ready_after) {
            coverage_.visit(Situation::aborted_worker_drains);
            owe_drain(worker, successor, Property::failed_is_ended);
        } else {
            owe_kill(worker,
                     timed_out != nullptr && timed_out->worker == worker.id ? Kill::Reason::ready_timeout
                                                                            : Kill::Reason::aborted,
                     Property::failed_is_ended);
        }
    }
    fail_askers(failure, generation.id);
    if (active == nullptr && !model_.ending) {
        coverage_.visit(Situation::first_generation_fails);
        if (!model_.next.empty()) coverage_.visit(Situation::first_generation_fails_with_requests_waiting);
        end(1);
    }
    if (!model_.populated(generation.id)) gone(generation);
    roll();
}

// What its exit means for the reload of its generation, if that is not active yet.
Failure Checker::failure_of(const Worker& worker, ExitStatus status) const {
    const GenerationModel& generation = *model_.generation(worker.generation);
    if (generation.state == GenerationState::soaking)
        return failure::CrashedInSoak{worker.id, worker.slot, status, generation.soak};
    if (!generation.rolling() || !worker.was_ready)
        return failure::ExitedBeforeReady{worker.id, worker.slot, status};
    if (worker.soaking) return failure::CrashedInSoak{worker.id, worker.slot, status, worker.soak};
    return failure::ExitedBeforePromotion{worker.id, worker.slot, status};
}

// A worker's process is gone, or never came to be.
void Checker::ended(WorkerId id, const Failure& failure) {
    const Worker worker = *model_.worker(id);
    std::erase_if(model_.workers, [&](const Worker& other) { return other.id == id; });
    model_.just_exited.push_back(worker);
    GenerationModel& generation = *model_.generation(worker.generation);
    SlotModel* slot = nullptr;
    if (worker.slot < generation.slots.size() && generation.slots[worker.slot].worker == id) {
        slot = &generation.slots[worker.slot];
        slot->worker.reset();
    }
    switch (generation.state) {
        case GenerationState::starting:
            if (worker.was_ready) coverage_.visit(Situation::ready_worker_exits_in_starting);
            abort(generation, failure);
            break;
        case GenerationState::soaking: abort(generation, failure); break;
        case GenerationState::active:
            if (slot != nullptr && model_.rolling_candidate() != nullptr)
                coverage_.visit(Situation::old_worker_dies_midway);
            if (slot != nullptr) owe_restart(generation, *slot, worker);
            break;
        case GenerationState::draining:
        case GenerationState::aborting:
            if (!model_.populated(generation.id)) gone(generation);
            break;
        case GenerationState::gone: break;
    }
    exit_if_empty();
}

void Checker::owe_restart(GenerationModel& generation, SlotModel& slot, const Worker& worker) {
    slot.restart_owed = true;
    if (worker.was_ready && now_ - worker.spawned_at >= generation.policy.restart_min_uptime) {
        coverage_.visit(slot.short_lives > 0 ? Situation::long_life_forgives : Situation::restart_at_once);
        slot.short_lives = 0;
        slot.spawn_owed = true;
    } else {
        ++slot.short_lives;
    }
}

void Checker::gone(GenerationModel& generation) {
    generation.become(GenerationState::gone);
    generation.release_owed = true;
    for (const RequestId request : generation.waiters) {
        const GenerationModel* replacement = model_.generation(generation.replacement);
        coverage_.visit(model_.ending ? Situation::drained_waiter_at_stop : Situation::drained_waiter);
        if (replacement == nullptr || replacement->leaving())
            coverage_.visit(Situation::drained_waiter_outlives_its_generation);
        owe_reply(request, Reply::Promoted{generation.replacement, WaitFor::drained});
    }
    generation.waiters.clear();
}

// Nothing new begins; who waits for it hears so.
void Checker::end(int exit_code) {
    model_.ending = true;
    ends_ = true;
    model_.exit_code = exit_code;
    for (const Asker& asker : std::exchange(model_.next, {}))
        owe_reply(asker.request, Reply::Failed{{}, failure::Stopping{}});
}

void Checker::exit_if_empty() {
    if (!model_.ending || model_.preparing || !model_.workers.empty()) return;
    for (const RequestId request : std::exchange(model_.stops, {})) owe_reply(request, Reply::Stopped{});
    model_.exit_owed = true;
}

}  // namespace sup::sim
