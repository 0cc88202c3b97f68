// What the supervisor knows: plain data, complete in itself. Every rule reads and writes this and nothing
// else, so that saving it saves everything.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "master/core/action.h"
#include "master/core/event.h"
#include "master/core/policy.h"

namespace sup::core {

struct Worker {
    struct Spawning {
        static constexpr WorkerState state = WorkerState::spawning;
    };
    struct Starting {
        static constexpr WorkerState state = WorkerState::starting;
        TimePoint deadline;  // when it becomes ready, or must be
    };
    struct Soak {
        TimePoint deadline;
        Duration length;
    };
    struct Ready {
        static constexpr WorkerState state = WorkerState::ready;
        std::optional<Soak> soak = {};  // in a rolling reload, before it takes over its slot
    };
    struct Draining {
        static constexpr WorkerState state = WorkerState::draining;
        TimePoint deadline;                          // SIGKILL
        std::optional<GenerationId> successor = {};  // the one that its Drain named
        bool others_spoke = false;  // another worker has opened its channel since it was told to drain
    };
    struct Killing {
        static constexpr WorkerState state = WorkerState::killing;
    };
    using State = std::variant<Spawning, Starting, Ready, Draining, Killing>;

    WorkerId id;
    GenerationId generation;
    Slot slot;
    TimePoint spawned_at = {};   // Spawn, then WorkerSpawned
    bool spawned = false;        // WorkerSpawned came
    bool channel = false;        // can hand connections over, and take them
    std::uint32_t restarts = 0;  // of its slot, when it was spawned
    State state = {};

    template <typename One>
    bool is() const {
        return std::holds_alternative<One>(state);
    }
    template <typename One>
    const One* as() const {
        return std::get_if<One>(&state);
    }
};

// How the last worker of a slot ended.
struct LastExit {
    std::optional<ExitStatus> status = {};  // none: it could not be started
    TimePoint at;
};

struct SlotRecord {
    std::optional<WorkerId> worker = {};
    std::optional<TimePoint> restart_at = {};  // set while it waits out a restart delay
    std::uint32_t spawns = 0;
    std::uint32_t short_lives = 0;  // in a row
    std::optional<LastExit> last_exit = {};
    bool spoke = false;  // a promise: a worker of it opened its channel, so its next one will
};

struct Generation {
    GenerationId id;
    GenerationState state = GenerationState::starting;
    Policy policy;
    TimePoint created_at;
    // By index; how many there are is the count. In a rolling reload a slot may be empty: of the upcoming
    // generation, before its turn; of the active one, while another generation's worker serves in its place.
    std::vector<SlotRecord> slots;
    std::map<WorkerId, Worker> workers;         // all the living, also those that left their slot
    std::optional<TimePoint> soaks_until = {};  // set while it soaks
    bool inbox_used = false;  // a worker opened its channel, so something may be in the inbox
    // The last worker that took from the inbox has left, though the generation stays: the inbox is not left
    // to promises. Until a worker takes again.
    bool last_taker_left = false;
    std::optional<GenerationId> inbox_left_to = {};  // the generation that replaced that worker, if any did
};

struct Request {
    RequestId id;
    WaitFor wait = WaitFor::promoted;
};

// The reload (or the start) that is under way. It prepares until its generation exists.
struct Reload {
    GenerationId generation;
    std::vector<Request> askers;
};

// A requester was promised an answer once the generation that `promoted` replaced is gone.
struct DrainedWaiter {
    RequestId request;
    GenerationId promoted;
    GenerationId replaced;
};

// What a draining worker is told of handing over its connections.
struct Offer {
    WorkerId id;
    std::optional<GenerationId> inbox = {};  // where to
    bool last = false;                       // everything stops

    friend bool operator==(const Offer&, const Offer&) = default;
};
struct Inbox {
    GenerationId id;
    bool open = false;

    friend bool operator==(const Inbox&, const Inbox&) = default;
};
struct Handoffs {
    std::map<WorkerId, Offer> offers;       // of all that drain
    std::map<GenerationId, Inbox> inboxes;  // of all generations that use theirs

    friend bool operator==(const Handoffs&, const Handoffs&) = default;
};

struct Instance {
    bool started = false;
    std::optional<int> exit_code;  // set: the instance is ending, and will exit with this
    bool exited = false;

    std::map<GenerationId, Generation> generations;  // all that are not gone
    Handoffs told;                                   // what all were told, as of the last step

    std::vector<Request> waiting;  // for the next reload
    std::optional<Reload> reload;
    std::optional<std::uint32_t>
        announced_draining;  // how many the last ReloadWaits named; set while a reload waits
    std::vector<DrainedWaiter> drained_waiters;
    std::vector<RequestId> stop_requests;
    std::optional<TimePoint> stop_signalled_at;  // by the first signal that asked for it, SIGHUP included

    GenerationId next_generation{1};
    WorkerId next_worker{1};
    std::uint64_t random = 0;  // the jitter's generator
};

// Durations and times beyond this are as good as infinite; clamping to it keeps their sums from overflowing.
constexpr Duration longest_duration{std::int64_t{1} << 60};

// What the rules rely on: a count, room for one draining generation, no negative duration.
bool is_valid(const Policy& policy);

bool is_ending(const Instance& instance);
bool is_preparing(const Instance& instance);
WorkerState state_of(const Worker& worker);
// What it waits for: readiness, the end of its soak, SIGKILL.
std::optional<TimePoint> deadline_of(const Worker& worker);
bool is_leaving(const Worker& worker);           // draining or killing
bool is_leaving(const Generation& generation);   // draining or aborting
bool is_upcoming(const Generation& generation);  // starting or soaking
bool is_rolling(const Generation& generation);   // it replaces, or replaced, slot by slot
// An aborting generation of a rolling reload, some of whose workers serve until their slots are restored.
bool still_serves(const Generation& generation);
// Neither starting nor soaking nor leaving: this slot's worker is there for good.
bool serves(const Generation& generation, Slot slot);
// Whether a worker of a rolling reload's other generation serves in this slot's place.
bool served_elsewhere(const Instance& instance, const Generation& generation, Slot slot);
// On their way out and counted against max_draining; those that still serve are not.
std::uint32_t leaving_generations(const Instance& instance);

// Null if there is none.
Generation* find_generation(Instance& instance, GenerationId id);
Generation* active_generation(Instance& instance);
// On its way to becoming the active one.
Generation* upcoming_generation(Instance& instance);
const Generation* find_generation(const Instance& instance, GenerationId id);
const Generation* active_generation(const Instance& instance);
Worker* find_worker(Instance& instance, WorkerId id);

std::optional<GenerationId> id_of(const Generation* generation);                           // nothing for null
std::uint32_t slots_of(const Instance& instance, std::optional<GenerationId> generation);  // none: 0

// The slot that this worker fills, or null if it left it (scaled down).
SlotRecord* slot_of(Generation& generation, const Worker& worker);

}  // namespace sup::core
