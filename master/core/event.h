// Facts that have already happened, as the shell reports them to the core. An event about something that no
// longer exists is ignored.
#pragma once

#include <string>
#include <variant>

#include "master/core/ids.h"
#include "master/core/policy.h"
#include "master/core/time.h"

namespace sup::core {

// How a process ended: waitid(2)'s si_code and si_status.
struct ExitStatus {
    bool signalled = false;  // ended by a signal; otherwise it called exit
    int code = 0;            // the exit code, or the signal's number

    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

// When the asker of a reload wants its answer.
enum class WaitFor { promoted, drained };

// The instance begins: make the first generation. Comes once, first; another one is ignored, unanswered.
// Answered like a reload; when it fails, the instance exits with 1.
struct StartRequested {
    RequestId request;
};
struct ReloadRequested {
    RequestId request;
    WaitFor wait = WaitFor::promoted;
};
// What asks for a stop.
enum class StopBy {
    request,        // a call that asks for it
    signal,         // which a wrapper may have passed on although the terminal sent it to both
    lost_terminal,  // never counts as a second one: it is not impatience
};
// The first drains everything; a second one, or now, kills at once. What comes within a second of the first
// signal, or of the loss of the terminal, is the same wish, heard twice.
struct StopRequested {
    RequestId request;
    bool now = false;
    StopBy by = StopBy::request;
};
// SIGTTIN, SIGTTOU: change the active generation's count by one, never below 1. Ignored without an active
// generation.
struct AddWorkerRequested {};
struct RemoveWorkerRequested {};

// Answers to Prepare.
struct Prepared {
    GenerationId generation;
    Policy policy;
};
struct PrepareFailed {
    GenerationId generation;
    bool configuration_error = false;  // the configuration is invalid (exit code 2), not the world around it
    std::string reason;
};

// Answers to Spawn. A worker's life is counted from WorkerSpawned: ready_after, ready_timeout,
// restart_min_uptime.
struct WorkerSpawned {
    WorkerId worker;
};
// There is no process. The last event of such a worker: no WorkerExited follows.
struct SpawnFailed {
    WorkerId worker;
    std::string reason;
};

// READY=1, after WorkerSpawned. Ignored from a worker whose readiness is a delay, and from one that was told
// to end.
struct WorkerReady {
    WorkerId worker;
};
// The worker sent X_SUP_CHANNEL=1: it can be told where to hand its connections over to, and can take
// others'.
struct WorkerOpenedChannel {
    WorkerId worker;
};
// EXTEND_TIMEOUT_USEC: a worker that is not ready yet asks for this long from now. Never shortens.
struct WorkerExtendedTimeout {
    WorkerId worker;
    Duration extension;
};
// It may not be signalled, so it could neither be drained nor killed. Refuses a generation that is not yet
// active; what already serves, even slot by slot, keeps serving.
struct WorkerOutOfReach {
    WorkerId worker;
    std::string reason;
};
// Its Kill could not be carried out. The last event of a worker, though its process may live on.
struct WorkerAbandoned {
    WorkerId worker;
};
// Reaped, its output read, its group gone, and what it had left. The last event of a worker.
struct WorkerExited {
    WorkerId worker;
    ExitStatus status;
};
// Supervisor::next_deadline() has come. Only the earliest that is due is acted upon (at the same moment,
// workers' by age, then restarts, then soaks): report it again as long as one is due.
struct DeadlineReached {};

using Event =
    std::variant<StartRequested, ReloadRequested, StopRequested, AddWorkerRequested, RemoveWorkerRequested,
                 Prepared, PrepareFailed, WorkerSpawned, SpawnFailed, WorkerReady, WorkerOpenedChannel,
                 WorkerExtendedTimeout, WorkerOutOfReach, WorkerAbandoned, WorkerExited, DeadlineReached>;

// One line for a log or a trace: "WorkerExited worker=7 code=1".
std::string to_string(const Event& event);
const char* to_string(StopBy by);
std::string to_string(const ExitStatus& status);  // "exit code 1", "signal 9"

}  // namespace sup::core
