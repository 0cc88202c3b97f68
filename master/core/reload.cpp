// One reload at a time: requests coalesce, wait for the draining cap, then prepare, start, soak, and promote
// or abort.
#include <algorithm>
#include <utility>

#include "master/core/rules.h"

namespace sup::core {
namespace {

void request_reload(Step& step, Request request) {
    if (is_ending(step.instance)) {
        step.act(Reply{request.id, Reply::Failed{{}, failure::Stopping{}}});
        return;
    }
    step.instance.waiting.push_back(request);
}

// True while the next reload must wait until fewer generations are on their way out.
bool held_by_draining_cap(Step& step) {
    const Generation* active = active_generation(step.instance);
    if (active == nullptr) return false;
    const std::uint32_t leaving = leaving_generations(step.instance);
    if (leaving < active->policy.max_draining) return false;
    if (step.instance.announced_draining != leaving)
        step.act(ReloadWaits{leaving, active->policy.max_draining});
    step.instance.announced_draining = leaving;
    return true;
}

bool all_serve(const Generation& generation) {
    for (Slot slot = 0; slot < generation.slots.size(); ++slot) {
        if (!serves(generation, slot)) return false;
    }
    return true;
}

bool all_ready(const Generation& generation) {
    return std::ranges::all_of(generation.slots, [&](const SlotRecord& slot) {
        return slot.worker && generation.workers.at(*slot.worker).is<Worker::Ready>();
    });
}

// Answers those who wait for the promotion; the others are answered when `replaced` is gone, at once if there
// is none.
void reply_promoted(Step& step, const Reload& reload, const Generation* replaced) {
    for (const Request& asker : reload.askers) {
        if (asker.wait == WaitFor::drained && replaced != nullptr) {
            step.instance.drained_waiters.push_back({asker.id, reload.generation, replaced->id});
        } else {
            step.act(Reply{asker.id, Reply::Promoted{reload.generation, asker.wait}});
        }
    }
}

void promote(Step& step, Generation& generation) {
    Generation* replaced = active_generation(step.instance);
    const Reload reload = *std::exchange(step.instance.reload, std::nullopt);
    change(step, generation, GenerationState::active);
    step.act(Promote{generation.id, id_of(replaced)});
    reply_promoted(step, reload, replaced);
    if (replaced != nullptr) drain(step, *replaced, generation.id);
}

// Without an active generation there is nothing to fall back to: what failed was the start.
void end_if_start_failed(Step& step) {
    if (active_generation(step.instance) == nullptr && !is_ending(step.instance)) begin_end(step, 1);
}

// What failed to replace the active generation, and still leaves.
bool failed_is_left(const Instance& instance, const Generation& next) {
    const Generation* active = active_generation(instance);
    return active != nullptr && std::ranges::any_of(instance.generations, [&](const auto& entry) {
               return entry.first > active->id && entry.first != next.id;
           });
}

// Whether connections may have reached the worker, so that it must be let finish them.
bool may_serve(const Worker& worker, const Policy& policy) {
    return worker.is<Worker::Ready>() || policy.ready_after.has_value();
}

}  // namespace

// Where nobody is replaced there is nothing to wait for.
Duration soak_of(const Instance& instance, const Generation& generation) {
    return active_generation(instance) != nullptr ? generation.policy.soak : generation.policy.start_soak;
}

void on(Step& step, const StartRequested& event) {
    if (step.instance.started) return;
    step.instance.started = true;
    request_reload(step, {event.request, WaitFor::promoted});
}

void on(Step& step, const ReloadRequested& event) {
    request_reload(step, {event.request, event.wait});
}

void start_next_reload(Step& step) {
    Instance& instance = step.instance;
    if (!instance.started || is_ending(instance) || instance.reload || instance.waiting.empty()) return;
    if (held_by_draining_cap(step)) return;
    instance.announced_draining.reset();
    instance.reload = Reload{instance.next_generation, std::exchange(instance.waiting, {})};
    step.act(Prepare{instance.next_generation, id_of(active_generation(instance))});
}

void on(Step& step, const Prepared& event) {
    Instance& instance = step.instance;
    if (!is_preparing(instance) || instance.reload->generation != event.generation) return;
    require(is_valid(event.policy), "a prepared generation's policy is valid");
    instance.next_generation = GenerationId{static_cast<std::uint32_t>(event.generation) + 1};
    if (is_ending(instance)) {
        instance.reload.reset();
        step.act(Release{event.generation});
        return;
    }
    Generation& generation = instance.generations[event.generation];
    generation.id = event.generation;
    generation.policy = event.policy;
    generation.created_at = step.now;
    generation.slots.resize(event.policy.count);
    change(step, generation, GenerationState::starting);
    step.act(NoteSockets{failed_is_left(instance, generation)});
    if (is_rolling(generation) && active_generation(instance) != nullptr) return;  // when the step settles
    for (Slot slot = 0; slot < event.policy.count; ++slot) spawn(step, generation, slot);
}

void on(Step& step, const PrepareFailed& event) {
    Instance& instance = step.instance;
    if (!is_preparing(instance) || instance.reload->generation != event.generation) return;
    const Failure failure = event.configuration_error ? Failure(failure::ConfigurationError{event.reason})
                                                      : Failure(failure::PrepareFailed{event.reason});
    reply_failed(step, instance.reload->askers, failure);
    instance.reload.reset();
    end_if_start_failed(step);
}

void promote_if_ready(Step& step) {
    Generation* generation = upcoming_generation(step.instance);
    if (generation == nullptr) return;
    if (is_rolling(*generation)) {
        if (all_serve(*generation)) promote(step, *generation);
        return;
    }
    if (generation->state == GenerationState::starting) {
        if (!all_ready(*generation)) return;
        const Duration soak = soak_of(step.instance, *generation);
        if (soak > Duration{0}) {
            change(step, *generation, GenerationState::soaking, {}, soak);
            set_deadline(step, *generation, later(step.now, soak));
        }
    }
    if (!generation->soaks_until) promote(step, *generation);
}

// It has soaked, and is promoted when the step settles.
void deadline_reached(Step& step, GenerationId soaked) {
    set_deadline(step, step.instance.generations.at(soaked), std::nullopt);
}

void abort_reload(Step& step, Generation& generation, const Failure& failure) {
    Instance& instance = step.instance;
    require(instance.reload && instance.reload->generation == generation.id,
            "only a reload under way is aborted");
    set_deadline(step, generation, std::nullopt);
    change(step, generation, GenerationState::aborting, failure);
    step.act(GiveUp{generation.id, id_of(active_generation(instance))});
    reply_failed(step, instance.reload->askers, failure, generation.id);
    instance.reload.reset();
    end_if_start_failed(step);

    const Generation* active = active_generation(instance);
    const auto successor = is_ending(instance) ? std::nullopt : id_of(active);
    const bool restores = is_rolling(generation) && successor;
    for (auto& [id, worker] : generation.workers) {
        if (restores && worker.is<Worker::Ready>()) {
            set_state(step, worker, Worker::Ready{});  // it serves on until its slot is restored
        } else if (may_serve(worker, generation.policy)) {
            drain(step, worker, successor);
        } else {
            kill(step, worker, Kill::Reason::aborted);
        }
    }
}

}  // namespace sup::core
