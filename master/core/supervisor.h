// The supervisor's rules: events in, actions out, no I/O, no clock, no randomness of its own.
//
// An instance is one generation that serves (active), at most one on its way to replace it (starting, then
// soaking), and those on their way out (draining, after they were replaced; aborting, when they failed to
// replace).
//
//     generation   starting → soaking → active → draining → gone
//                  starting | soaking → aborting → gone
//     worker       spawning → starting → ready → draining → exited
//                  killing, before exited, when a deadline passed
//
// A rolling reload replaces slot by slot: while the new generation is starting, its workers that are ready
// serve, and their predecessors drain. When it fails, they serve on until the active generation has
// its slots back.
//
// Three rules carry the rest:
//  * No worker is drained before its successor is ready: the old generation first hears of a reload when it
//    is replaced, a rolling reload's old worker when its slot is.
//  * A generation is immutable: it restarts its workers from its own snapshot.
//  * Every drain has a deadline that nothing shortens but a second stop.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "common/result.h"
#include "master/core/action.h"
#include "master/core/event.h"

namespace sup::core {

// What a person sees of a worker and of a generation; for `sup status`.
struct WorkerView {
    WorkerId worker;
    Slot slot;
    WorkerState state;
    TimePoint spawned_at;
    std::uint32_t restarts;  // of its slot, in its generation
};
struct SlotView {
    Slot slot;
    std::uint32_t restarts;     // until now
    std::uint32_t short_lives;  // in a row, of the last workers
    // How and when its last worker ended; a status only where there was a process.
    std::optional<TimePoint> ended_at;
    std::optional<ExitStatus> ended;
    std::optional<TimePoint> restart_at;  // waits out a restart delay until then
};
struct GenerationView {
    GenerationId generation;
    GenerationState state;
    std::uint32_t count;
    TimePoint created_at;
    std::vector<WorkerView> workers;     // those alive, by slot, then by age
    std::vector<Slot> awaiting_restart;  // slots that wait out a restart delay
    std::vector<SlotView> slots;
};
enum class InstanceState { starting, running, reloading, stopping };
// Whether the active generation serves. Degraded: a slot waits out a restart delay, or its worker, after a
// short life, is not ready again. Down: no slot is served.
enum class Health { well, degraded, down };
struct View {
    InstanceState state;
    Health health;
    bool degraded;  // a slot of the active generation waits out a restart delay
    // Of the active generation's slots: how many have a worker that is ready (in a rolling reload, of
    // whichever generation), and how many there should be. No active generation: 0 of 0.
    std::uint32_t serving;
    std::uint32_t wanted;
    std::vector<GenerationView> generations;  // newest first
};

struct Instance;  // state.h
class Deadlines;  // deadlines.h

class Supervisor {
public:
    // `seed` drives the jitter of restart delays, and nothing else.
    explicit Supervisor(std::uint64_t seed);
    Supervisor(Supervisor&&) noexcept;
    Supervisor& operator=(Supervisor&&) noexcept;
    ~Supervisor();

    // `now` never goes backwards between steps. The actions are to be performed in their order. Events about
    // something that does not exist, or whose state does not expect them, have no effect; after Exit none
    // has.
    std::vector<Action> step(const Event& event, TimePoint now);

    // When DeadlineReached is to be reported next, if nothing else happens before.
    std::optional<TimePoint> next_deadline() const;

    View view() const;

    // The whole state, and the same supervisor again: step for step it does what the saved one would have
    // done.
    nlohmann::json save() const;
    static Result<Supervisor> restore(const nlohmann::json& saved);

private:
    explicit Supervisor(std::unique_ptr<Instance> instance);
    std::unique_ptr<Instance> instance_;
    std::unique_ptr<Deadlines> deadlines_;
};

const char* to_string(InstanceState state);
const char* to_string(Health health);

}  // namespace sup::core
