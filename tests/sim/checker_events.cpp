#include <algorithm>

#include "tests/sim/checker.h"

namespace sup::sim {

using namespace core;

bool Checker::happened(const StartRequested& event) {
    model_.next.push_back({event.request, WaitFor::promoted});
    return true;
}

bool Checker::happened(const ReloadRequested& event) {
    if (model_.ending) {
        coverage_.visit(Situation::reload_after_stop);
        owe_reply(event.request, Reply::Failed{{}, failure::Stopping{}});
        return true;
    }
    if (!model_.next.empty() && model_.waits_for) coverage_.visit(Situation::reload_joins_waiting_for_cap);
    model_.next.push_back({event.request, event.wait});
    if (model_.next.size() > 5) coverage_.visit(Situation::many_coalesced);
    return true;
}

bool Checker::happened(const StopRequested& event) {
    const bool echo = model_.stop_signal && now_ < *model_.stop_signal + Duration{1'000};
    const bool again = model_.stopping && !echo && event.by != StopBy::lost_terminal;
    if (model_.stopping && echo) coverage_.visit(Situation::stop_heard_twice);
    if (model_.stopping && event.by == StopBy::lost_terminal)
        coverage_.visit(Situation::terminal_lost_while_stopping);
    if (!model_.stop_signal && event.by != StopBy::request) model_.stop_signal = now_;
    model_.stopping = true;
    model_.stops.push_back(event.request);
    if (again) coverage_.visit(Situation::stop_again);
    if (!again && event.now) coverage_.visit(Situation::stop_now_first);
    if (!again && model_.ending) coverage_.visit(Situation::stop_while_start_fails);
    if (!model_.ending) {
        end(0);
        const Failure stopping = failure::Stopping{};
        if (GenerationModel* candidate = model_.candidate()) {
            coverage_.visit(candidate->state == GenerationState::soaking ? Situation::stop_while_soaking
                                                                         : Situation::stop_while_starting);
            if (candidate->rolling() && model_.active() != nullptr)
                coverage_.visit(Situation::stop_while_rolling);
            abort(*candidate, stopping);
        } else if (model_.preparing) {
            coverage_.visit(Situation::stop_while_preparing);
            fail_askers(stopping, {});
        }
        for (Worker& worker : model_.workers) {
            if (model_.generation(worker.generation)->state != GenerationState::aborting) continue;
            if (worker.staying()) coverage_.visit(Situation::stop_while_given_back);
            if (!worker.owed) owe_drain(worker, std::nullopt, Property::stop_leaves_nothing);
        }
        if (GenerationModel* active = model_.active()) {
            active->become(GenerationState::draining);
            for (SlotModel& slot : active->slots) slot.restart_at.reset();
            for (Worker& worker : model_.workers) {
                if (worker.generation == active->id)
                    owe_drain(worker, std::nullopt, Property::stop_leaves_nothing);
            }
            if (!model_.populated(active->id)) gone(*active);
        }
    }
    if (again || event.now) {
        for (Worker& worker : model_.workers)
            owe_kill(worker, Kill::Reason::stop_now, Property::stop_leaves_nothing);
    }
    exit_if_empty();
    return true;
}

bool Checker::happened(const AddWorkerRequested&) {
    GenerationModel* active = model_.active();
    if (active == nullptr) return false;
    const Slot slot = active->count();
    for (Worker& worker : model_.workers) {
        if (worker.slot == slot && !worker.staying()) worker.beside_count = true;
        if (worker.generation == active->id && worker.slot == slot)
            coverage_.visit(Situation::slot_taken_again_while_draining);
    }
    active->slots.emplace_back();
    active->slots.back().spawn_owed = !model_.served_beside(*active, slot);
    if (!active->slots.back().spawn_owed) coverage_.visit(Situation::slot_added_that_is_served);
    active->count_owed = true;
    return true;
}

bool Checker::happened(const RemoveWorkerRequested&) {
    GenerationModel* active = model_.active();
    if (active == nullptr) return false;
    if (active->count() == 1) return true;
    const SlotModel slot = active->slots.back();
    active->slots.pop_back();
    active->count_owed = true;
    if (slot.restart_at) coverage_.visit(Situation::scaled_down_while_waiting_for_restart);
    Worker* worker = slot.worker ? model_.worker(*slot.worker) : nullptr;
    if (slot.spoke) taker_left(*active, worker, std::nullopt);
    if (worker == nullptr) return true;
    if (worker->killing()) coverage_.visit(Situation::scaled_down_while_killing);
    worker->beside_count = true;
    owe_drain(*worker, active->id, Property::scaled_by_request);
    return true;
}

bool Checker::happened(const Prepared& event) {
    if (model_.preparing != event.generation) return false;
    model_.preparing.reset();
    model_.last_number = static_cast<std::uint32_t>(event.generation);
    GenerationModel& generation = model_.generations.emplace_back();
    generation.id = event.generation;
    generation.policy = event.policy;
    generation.created_at = now_;
    if (model_.ending) {  // nobody wants it any more, and nobody is told of it
        generation.state = GenerationState::gone;
        generation.release_owed = true;
        exit_if_empty();
        return true;
    }
    generation.become(GenerationState::starting);
    const GenerationModel* active = model_.active();
    const bool failed_before =
        active != nullptr && std::ranges::any_of(model_.generations, [&](const GenerationModel& other) {
            return other.state == GenerationState::aborting && other.id > active->id;
        });
    note_owed_ = NoteSockets{failed_before};
    const bool in_steps = generation.rolling() && active != nullptr;
    if (in_steps && active->count() > event.policy.count) coverage_.visit(Situation::rolling_to_fewer);
    if (in_steps && active->count() < event.policy.count) coverage_.visit(Situation::rolling_to_more);
    generation.slots.resize(event.policy.count, {.spawn_owed = !in_steps});
    return true;
}

bool Checker::happened(const PrepareFailed& event) {
    if (model_.preparing != event.generation) return false;
    model_.preparing.reset();
    if (!model_.ending) {
        if (event.configuration_error)
            fail_askers(failure::ConfigurationError{event.reason}, {});
        else
            fail_askers(failure::PrepareFailed{event.reason}, {});
        if (model_.active() == nullptr) end(1);
    }
    exit_if_empty();
    return true;
}

bool Checker::happened(const WorkerSpawned& event) {
    Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || worker->process) return false;
    worker->process = true;
    worker->spawned_at = now_;
    if (worker->state != WorkerState::spawning) return true;
    worker->state = WorkerState::starting;
    const Policy& policy = model_.generation(worker->generation)->policy;
    worker->due = now_ + policy.ready_after.value_or(policy.ready_timeout);
    return true;
}

bool Checker::happened(const SpawnFailed& event) {
    const Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || worker->process) return false;
    ended(worker->id, failure::SpawnFailed{worker->id, worker->slot, event.reason});
    return true;
}

bool Checker::happened(const WorkerReady& event) {
    Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || worker->state != WorkerState::starting) return false;
    if (model_.generation(worker->generation)->policy.ready_after) return false;
    became_ready(*worker);
    return true;
}

bool Checker::happened(const WorkerOpenedChannel& event) {
    Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || !worker->process) return false;
    if (worker->channel) coverage_.visit(Situation::channel_opened_twice);
    if (worker->state == WorkerState::starting) coverage_.visit(Situation::channel_before_ready);
    if (worker->state == WorkerState::ready) coverage_.visit(Situation::channel_after_ready);
    if (worker->draining()) coverage_.visit(Situation::channel_while_draining);
    spoke(*worker);
    return true;
}

bool Checker::happened(const WorkerExtendedTimeout& event) {
    Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || worker->state != WorkerState::starting) return false;
    if (model_.generation(worker->generation)->policy.ready_after) return false;
    const TimePoint wanted = now_ + event.extension;
    if (wanted <= worker->due) {
        coverage_.visit(Situation::extension_too_short);
        return true;
    }
    coverage_.visit(Situation::extended);
    worker->due = wanted;
    return true;
}

bool Checker::happened(const WorkerOutOfReach& event) {
    Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || !worker->process || worker->killing() || worker->draining()) return false;
    GenerationModel& generation = *model_.generation(worker->generation);
    if (generation.state != GenerationState::starting && generation.state != GenerationState::soaking) {
        coverage_.visit(Situation::serving_out_of_reach);
        return false;
    }
    if (generation.rolling() && worker->state == WorkerState::ready && !worker->soaking) return false;
    coverage_.visit(Situation::refused_out_of_reach);
    // In its soak it may be alone in its slot, when its predecessor has died. SIGKILL does not come to it
    // either, so it serves on, and is nobody's.
    served_ = served_slots(worker->id);
    owe_kill(*worker, Kill::Reason::aborted, Property::failed_is_ended);
    abort(generation, failure::OutOfReach{worker->id, worker->slot, event.reason});
    return true;
}

bool Checker::happened(const WorkerAbandoned& event) {
    const Worker* worker = model_.worker(event.worker);
    if (worker == nullptr || !worker->killing()) return false;
    coverage_.visit(Situation::abandoned);
    ended(worker->id, failure::OutOfReach{worker->id, worker->slot});
    return true;
}

bool Checker::happened(const WorkerExited& event) {
    const Worker* worker = model_.worker(event.worker);
    if (worker == nullptr) return false;
    ended(worker->id, failure_of(*worker, event.status));
    return true;
}

}  // namespace sup::sim
