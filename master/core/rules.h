// The rules, by the file that holds them. A step is two phases: on() takes in the event and what follows from
// it alone; settle() then lets happen what has become possible. So nothing recurses, and nothing depends on
// the order in which an event's consequences are found.
#pragma once

#include <optional>
#include <vector>

#include "master/core/step.h"

namespace sup::core {

// supervisor.cpp: passes it on to the rule whose deadline it is.
void on(Step& step, const DeadlineReached& event);

// worker_life.cpp: from spawn to exit. A worker's death goes to abort_reload() or restart(), by what its
// generation is.
void spawn(Step& step, Generation& generation, Slot slot);
void on(Step& step, const WorkerSpawned& event);
void on(Step& step, const SpawnFailed& event);
void on(Step& step, const WorkerReady& event);
void on(Step& step, const WorkerExtendedTimeout& event);
void on(Step& step, const WorkerOutOfReach& event);
void on(Step& step, const WorkerAbandoned& event);
void on(Step& step, const WorkerExited& event);
void deadline_reached(Step& step, WorkerId id);

// reload.cpp: request, prepare, start, soak, promote or abort.
void on(Step& step, const StartRequested& event);
void on(Step& step, const ReloadRequested& event);
void on(Step& step, const Prepared& event);
void on(Step& step, const PrepareFailed& event);
void deadline_reached(Step& step, GenerationId soaked);
void abort_reload(Step& step, Generation& generation, const Failure& failure);
void promote_if_ready(Step& step);
void start_next_reload(Step& step);

// rolling.cpp: a reload that replaces slot by slot, and what gives the slots back when it fails.
// How long a generation that is not active yet must live when all its workers are ready.
Duration soak_of(const Instance& instance, const Generation& generation);
void begin_slot_soak(Step& step, const Generation& generation, Worker& worker);
void roll(Step& step);
void drain_those_still_serving(Step& step);

// drain.cpp: how workers and generations leave. A worker that is already leaving is left alone, and so is its
// deadline.
void drain(Step& step, Worker& worker, std::optional<GenerationId> successor);
void kill(Step& step, Worker& worker, Kill::Reason reason);
void drain(Step& step, Generation& generation, std::optional<GenerationId> successor);
void release_the_gone(Step& step);

// handoff.cpp: which workers hand their connections over, and to which generation.
void on(Step& step, const WorkerOpenedChannel& event);
// `left` is not one of the generation's slots any more, and its worker not told to leave yet.
void slot_left(Generation& generation, const SlotRecord& left, std::optional<GenerationId> to);
// What all workers and inboxes should be told, given the state. If it is what they were told last, nothing is
// said.
Handoffs wanted_handoffs(const Instance& instance);
// Tells them what has changed; the step's drains tell the rest.
void reconcile_handoffs(Step& step);

// restart.cpp: a slot of the active generation lost its worker.
void restart(Step& step, Generation& generation, Slot slot, bool short_life);
void deadline_reached(Step& step, SlotId waited);

// scale.cpp
void on(Step& step, const AddWorkerRequested& event);
void on(Step& step, const RemoveWorkerRequested& event);

// outlook.cpp: what a whole step changes for the outside: who serves, whose output may wait. It is found by
// comparing, so that no rule has to think of it.
struct Outlook {
    Serving serving;
    std::vector<WorkerId> patient;  // by age
};
Outlook look(const Instance& instance);
void tell_changes(Step& step, const Outlook& before);

// stop.cpp: the end of the instance.
void on(Step& step, const StopRequested& event);
void begin_end(Step& step, int exit_code);
void exit_if_nothing_is_left(Step& step);

}  // namespace sup::core
