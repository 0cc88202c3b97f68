// What the shell must now do, in order. The shell decides nothing: each action is complete in itself. An
// action about a worker whose process is already gone is done by doing nothing; its WorkerExited,
// WorkerAbandoned or SpawnFailed still comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "master/core/event.h"
#include "master/core/ids.h"
#include "master/core/time.h"

namespace sup::core {

enum class GenerationState { starting, soaking, active, draining, aborting, gone };
enum class WorkerState { spawning, starting, ready, draining, killing, exited };

// Why a reload, or the start, failed. The shell adds what the core does not know: pid, command, last words.
namespace failure {
struct PrepareFailed {
    std::string detail = {};
    bool operator==(const PrepareFailed&) const = default;
};
struct ConfigurationError {
    std::string detail = {};
    bool operator==(const ConfigurationError&) const = default;
};
struct SpawnFailed {
    WorkerId worker;
    Slot slot;
    std::string detail = {};
    bool operator==(const SpawnFailed&) const = default;
};
struct ExitedBeforeReady {
    WorkerId worker;
    Slot slot;
    ExitStatus status;
    bool operator==(const ExitedBeforeReady&) const = default;
};
struct ReadyTimeout {
    WorkerId worker;
    Slot slot;
    bool operator==(const ReadyTimeout&) const = default;
};
struct CrashedInSoak {
    WorkerId worker;
    Slot slot;
    ExitStatus status;
    Duration soak;  // how long it had to live
    bool operator==(const CrashedInSoak&) const = default;
};
// In a rolling reload: it served already, but others were still to be replaced.
struct ExitedBeforePromotion {
    WorkerId worker;
    Slot slot;
    ExitStatus status;
    bool operator==(const ExitedBeforePromotion&) const = default;
};
// It may not be signalled, or could not be killed.
struct OutOfReach {
    WorkerId worker;
    Slot slot;
    std::string detail = {};
    bool operator==(const OutOfReach&) const = default;
};
// The instance was told to stop first.
struct Stopping {
    bool operator==(const Stopping&) const = default;
};
}  // namespace failure
using Failure = std::variant<failure::PrepareFailed, failure::ConfigurationError, failure::SpawnFailed,
                             failure::ExitedBeforeReady, failure::ReadyTimeout, failure::CrashedInSoak,
                             failure::ExitedBeforePromotion, failure::OutOfReach, failure::Stopping>;

std::optional<WorkerId> worker_of(const Failure& failure);

// A generation as its clients see it.
struct ServingGeneration {
    GenerationId generation;
    GenerationState state;
    std::uint32_t slots;
    std::vector<Slot> accepting;  // those of its workers that are ready and were not told to leave

    bool operator==(const ServingGeneration&) const = default;
};
using Serving = std::vector<ServingGeneration>;  // newest first

// Who serves when the step is over. Comes first in a step that changes it, so that clients go elsewhere (see
// steering.h) before a worker is told to drain. Listeners are kept alive for the generations that are not
// leaving.
struct Steer {
    Serving serving;

    bool operator==(const Steer&) const = default;
};
// Read the configuration, bind what is new, pin executable and working directory, all or nothing, and answer
// with Prepared or PrepareFailed, also when the instance is told to stop meanwhile. `generation` is the
// number it will have if that succeeds. One at a time.
struct Prepare {
    GenerationId generation;
    std::optional<GenerationId> serving = {};  // which it is to replace

    bool operator==(const Prepare&) const = default;
};
// Start a process of that generation's pinned executable; answer with WorkerSpawned or SpawnFailed. Actions
// about the worker may follow at once.
struct Spawn {
    WorkerId worker;
    GenerationId generation;
    Slot slot;
};
// Tell a worker to drain: the channel's packet where it speaks it, then the drain signal. `successor` is the
// generation that takes over its listeners and connections (its own if that generation stays); none when
// everything stops: then nobody will use its listeners any more.
struct Drain {
    WorkerId worker;
    std::optional<GenerationId> successor;
    // The generation into whose inbox the worker may hand its connections over. Set only when the worker
    // speaks the channel and somebody in that generation can take from the inbox.
    std::optional<GenerationId> inbox = {};
    std::uint32_t successor_slots = 0;
    // The reload, by its generation, that the worker makes room for, or gives room back after, when it
    // failed. Unset when it is scaled down, or when everything stops.
    std::optional<GenerationId> reload = {};

    bool operator==(const Drain&) const = default;
};
// The inbox that a draining worker hands over to has changed: the generation that it belongs to is leaving,
// too, or was scaled down to workers that do not take; or a generation takes now that did not before; or
// everything stops. Unset: the worker must finish what it still has by itself.
struct OfferInbox {
    WorkerId worker;
    std::optional<GenerationId> inbox = {};
    // The generation that serves its clients when they connect again; unset when everything stops.
    std::optional<GenerationId> successor = {};
    std::uint32_t successor_slots = 0;
};
// Let nothing more into a generation's inbox; what is in it can still be taken. A worker that still sends to
// it gets EPIPE at once, and already has its next OfferInbox. What is still being moved into it, by a
// ForwardInbox or a ReopenInbox, goes on to `successor`; without one, nobody takes it any more.
struct CloseInbox {
    GenerationId generation;
    std::optional<GenerationId> successor = {};
};
// A worker takes again in a generation whose inbox was closed: give the generation a new inbox, which that
// worker uses from now on, and move into it what is left in the old one.
struct ReopenInbox {
    GenerationId generation;
    WorkerId worker;
};
// Move what is left in a generation's inbox into another's. The last of the generation's workers has gone, so
// nobody else would take it. What does not fit is moved later, also after the Release.
struct ForwardInbox {
    GenerationId from;
    GenerationId to;
};
// SIGKILL to the worker's process group.
struct Kill {
    enum class Reason { drain_timeout, ready_timeout, aborted, stop_now };
    WorkerId worker;
    Reason reason;
};
// The generation is the active one from now on: its listener settings apply, it says where the log goes, and
// clients no longer find what only its predecessor listened on.
struct Promote {
    GenerationId generation;
    std::optional<GenerationId> replaced;

    bool operator==(const Promote&) const = default;
};
// The generation will never be the active one. Clients no longer find what only it listened on, unless nobody
// else serves.
struct GiveUp {
    GenerationId generation;
    std::optional<GenerationId> serving;

    bool operator==(const GiveUp&) const = default;
};
// Workers that will be spawned now may change O_NONBLOCK for all that share a socket: note it as it is, for
// RestoreSockets. With `keep`, what was noted before is kept: something of an earlier reload that failed is
// still there.
struct NoteSockets {
    bool keep = false;

    bool operator==(const NoteSockets&) const = default;
};
// Workers may have changed what all that share a socket see. Set a generation's listeners as they are
// configured again, or, where the serving generation has the same socket, as that one configures it.
struct RestoreSockets {
    GenerationId generation;
    std::optional<GenerationId> serving;
    // Also O_NONBLOCK, as it was noted: nothing is left of the reload that failed.
    bool nonblock = false;

    bool operator==(const RestoreSockets&) const = default;
};
// Whether what the worker writes may wait for the log's reader. Not until this says so: a worker that starts,
// drains or ends must not wait, and during a reload none may.
struct SetPatience {
    WorkerId worker;
    bool patient;
};
// The generation has no process any more and will get none: forget its pins, and close the listeners that no
// other generation has. Also sent for a generation that was prepared and is not wanted any more.
struct Release {
    GenerationId generation;
};

// The one outcome of a request.
struct Reply {
    // Start or reload: `generation` is active. With WaitFor::drained its predecessor is gone, and the asker
    // is answered once what the predecessor's workers have left behind is gone, too.
    struct Promoted {
        GenerationId generation;
        WaitFor wait = WaitFor::promoted;  // what the asker waited for
        bool operator==(const Promoted&) const = default;
    };
    // Start or reload.
    struct Failed {
        std::optional<GenerationId> generation;  // unset when it never came to be
        Failure failure;
        // How many workers of that generation serve on, until their slots are given back.
        std::uint32_t still_serving = 0;
        bool operator==(const Failed&) const = default;
    };
    // A stop: everything is gone.
    struct Stopped {
        bool operator==(const Stopped&) const = default;
    };

    RequestId request;
    std::variant<Promoted, Failed, Stopped> outcome;
};

// Something that a person may want to see: for the log and for those who wait. Changes nothing. Numbers are
// as they are when the step is over.
struct GenerationChanged {
    GenerationId generation;
    GenerationState state;
    std::optional<Failure> failure;     // with aborting
    std::optional<Duration> soak = {};  // with soaking: how long
    std::uint32_t workers = 0;          // its count; with draining, how many it still has
    std::uint32_t ready = 0;
};
struct WorkerChanged {
    WorkerId worker;
    GenerationId generation;
    Slot slot;
    WorkerState state;
    std::uint32_t ready = 0;  // with ready: how many of its generation are…
    std::uint32_t count = 0;  // …of so many

    bool operator==(const WorkerChanged&) const = default;
};
struct RestartScheduled {
    GenerationId generation;
    Slot slot;
    Duration delay;             // zero: at once
    std::uint32_t short_lives;  // how many in a row lived less than restart_min_uptime
};
// The next reload waits until fewer generations drain.
struct ReloadWaits {
    std::uint32_t draining;
    std::uint32_t max_draining;
};
struct CountChanged {
    GenerationId generation;
    std::uint32_t count;
};

// The instance ends, with this exit code: no process is left and no Prepare unanswered. Comes once, last.
struct Exit {
    int code = 0;
};

using Action =
    std::variant<Steer, Prepare, Spawn, Drain, OfferInbox, CloseInbox, ReopenInbox, ForwardInbox, Kill,
                 Promote, GiveUp, NoteSockets, RestoreSockets, SetPatience, Release, Reply, GenerationChanged,
                 WorkerChanged, RestartScheduled, ReloadWaits, CountChanged, Exit>;

// One line for a log or a trace: "Spawn worker=7 generation=2 slot=0".
std::string to_string(const Action& action);
const char* to_string(GenerationState state);
const char* to_string(WorkerState state);
const char* to_string(Kill::Reason reason);

}  // namespace sup::core
