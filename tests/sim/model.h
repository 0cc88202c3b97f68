// What the checker knows: a picture of the instance, drawn only from the events it was fed and the actions it
// answered. Beside what is, it holds what is owed: the actions that must come before the step is over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <variant>
#include <vector>

#include "master/core/action.h"
#include "master/core/event.h"
#include "tests/sim/property.h"

namespace sup::sim {

using Signal = std::variant<core::Drain, core::Kill>;

struct Worker {
    core::WorkerId id;
    core::GenerationId generation;
    core::Slot slot;
    core::TimePoint spawned_at;  // WorkerSpawned, or Spawn until that comes
    core::WorkerState state = core::WorkerState::spawning;
    core::WorkerState told = core::WorkerState::exited;  // what WorkerChanged last said; exited: nothing yet
    bool process = false;                                // WorkerSpawned came
    bool was_ready = false;
    core::TimePoint due{};       // starting: readiness comes, or must have come; draining: SIGKILL
    std::uint32_t restarts = 0;  // of its slot, before it
    std::optional<Signal> owed{};
    Property owed_by{};         // what is broken when that signal does not come, or another one does
    bool beside_count = false;  // its slot was taken away, or given to another, beside the roll
    bool soaking = false;       // ready in a rolling reload, until `due`
    Duration soak{};            // how long that is
    bool channel = false;       // it speaks the channel
    std::optional<core::GenerationId> successor{};  // draining: as it was told
    std::optional<core::GenerationId> inbox{};      // draining: where it was told to hand over to
    std::optional<core::GenerationId> sent_from{};  // … until this step
    bool others_spoke = false;      // draining: somebody opened its channel since it was told to
    bool heard_of_the_end = false;  // that nobody takes over
    bool patient = false;           // as the last SetPatience said

    bool killing() const { return state == core::WorkerState::killing; }
    bool draining() const { return state == core::WorkerState::draining; }
    bool staying() const { return !killing() && !draining() && !owed; }
    bool serving() const { return state == core::WorkerState::ready && !owed && !soaking; }
};

struct SlotModel {
    std::optional<core::WorkerId> worker{};
    bool spawn_owed = false;
    bool restart_owed = false;  // RestartScheduled must come
    std::optional<core::TimePoint> restart_at{};
    std::uint32_t short_lives = 0;
    std::uint32_t spawns = 0;
    bool spoke = false;  // a worker of it spoke the channel, so its next one will
};

struct Asker {
    core::RequestId request;
    core::WaitFor wait = core::WaitFor::promoted;
};

struct GenerationModel {
    core::GenerationId id;
    core::Policy policy;
    core::TimePoint created_at;
    core::GenerationState state = core::GenerationState::starting;
    std::vector<core::GenerationState> untold = {};  // what GenerationChanged must still say, in this order
    std::optional<core::GenerationState> told;
    std::optional<core::Failure> failure;      // aborting
    std::vector<SlotModel> slots;              // as many as its count, while it is not on its way out
    std::optional<core::TimePoint> soaked_at;  // soaking: promotion
    Duration soak{0};                          // soaking: how long that takes
    bool release_owed = false;
    bool inbox_used = false;       // somebody took from it, or came while its generation left
    bool inbox_closed = false;     // as it was told
    bool inbox_forwarded = false;  // as it was told
    bool last_taker_left = false;  // of one that lives on…
    std::optional<core::GenerationId> replaced_by{};  // …and who came in its place
    bool count_owed = false;
    bool excused = false;  // aborting, and served still when a later reload began: not held against the cap
    core::GenerationId replacement{};      // draining: who answers…
    std::vector<core::RequestId> waiters;  // …those who wait until this one is gone

    void become(core::GenerationState next) {
        state = next;
        untold.push_back(next);
    }
    std::uint32_t count() const { return static_cast<std::uint32_t>(slots.size()); }
    bool leaving() const {
        return state == core::GenerationState::draining || state == core::GenerationState::aborting;
    }
    // Whether somebody took from its inbox in one of its slots, so that the next one there will.
    bool promises() const { return std::ranges::any_of(slots, &SlotModel::spoke); }
    bool rolling() const { return policy.max_surge.has_value(); }
    // Whether its workers fill the slots that a rolling reload passes on, or gives back.
    bool shares_slots() const {
        if (state == core::GenerationState::active) return true;
        return rolling() &&
               (state == core::GenerationState::starting || state == core::GenerationState::aborting);
    }
};

struct Model {
    bool stopping = false;                       // somebody asked for a stop
    std::optional<core::TimePoint> stop_signal;  // when the first signal did
    bool ending = false;                         // … or the first generation failed: nothing new begins
    bool exited = false;
    int exit_code = 0;
    bool exit_owed = false;
    std::optional<core::TimePoint> next_deadline;  // as the core told it last
    bool deadline_due = false;                     // … and it has come

    std::vector<GenerationModel> generations;  // by number; gone ones are forgotten at the end of their step
    std::vector<Worker> workers;               // the living, by age
    std::vector<Worker> just_exited;           // in this step
    std::optional<core::GenerationId> preparing;
    std::uint32_t last_number = 0;
    std::uint32_t cap = 0;  // max_draining when the running reload began

    std::vector<Asker> current;              // whom the reload that runs will answer
    std::vector<Asker> next;                 // whom the one after it will
    std::optional<std::uint32_t> waits_for;  // generations on their way out, by the last ReloadWaits
    std::vector<core::RequestId> stops;
    std::vector<core::Reply> replies_owed;

    std::unordered_set<std::uint64_t> worker_ids;  // ever given out

    Worker* worker(core::WorkerId id);
    const Worker* worker(core::WorkerId id) const;
    GenerationModel* generation(core::GenerationId id);
    const GenerationModel* generation(core::GenerationId id) const;
    GenerationModel* active();
    const GenerationModel* active() const;
    GenerationModel* candidate();  // starting or soaking
    GenerationModel* rolling_candidate();
    const GenerationModel* rolling_candidate() const;
    std::uint32_t leaving() const;  // generations that count against the cap
    // A failed generation of a rolling reload that keeps slots until they are given back.
    bool still_serves(const GenerationModel& generation) const;
    bool serves(const GenerationModel& generation, core::Slot slot) const;
    bool served_beside(const GenerationModel& generation, core::Slot slot) const;
    // Processes in this slot, or to come into it again, of all generations that share it.
    std::uint32_t occupants(core::Slot slot) const;
    core::Slot shared_slots() const;
    // Slots that a rolling reload, or its undoing, is changing right now.
    std::uint32_t steps() const;
    std::uint32_t max_surge() const;
    // Towards whom the slots go.
    const GenerationModel* roll_target() const;
    bool populated(core::GenerationId id) const;
    bool all_ready(const GenerationModel& generation) const;
    // How long a worker that is ready must live before it takes over its slot, in a rolling reload.
    Duration soak_of(const Worker& worker) const;
    // Whether somebody there takes from its inbox, or will when it has restarted.
    bool takes(const GenerationModel& generation) const;
    // Whether this is the one who takes from it, and others only may when they have come.
    bool last_taker(const Worker& worker) const;
};

}  // namespace sup::sim
