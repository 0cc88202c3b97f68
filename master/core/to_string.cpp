// Events, actions and states in words: "WorkerExited worker=7 code=1".
#include <type_traits>

#include "master/core/action.h"
#include "master/core/event.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

// Builds "Name key=value key=value"; what is not set is left out.
class Line {
public:
    explicit Line(const char* name) : text_(name) {}

    template <typename T>
    Line& operator()(const char* key, const T& value) {
        text_ += std::string(" ") + key + "=" + word(value);
        return *this;
    }
    template <typename T>
    Line& operator()(const char* key, const std::optional<T>& value) {
        return value ? (*this)(key, *value) : *this;
    }
    Line& operator()(const ExitStatus& status) {
        return (*this)(status.signalled ? "signal" : "code", status.code);
    }
    Line& operator()(const std::optional<Failure>& failure) {
        if (!failure) return *this;
        (*this)("failure", failure->kind)("failed_worker", failure->worker)("failed_slot", failure->slot);
        if (failure->status) (*this)(*failure->status);
        if (!failure->detail.empty()) (*this)("detail", failure->detail);
        return *this;
    }

    operator std::string() const { return text_; }  // NOLINT(*-explicit-*)

private:
    static std::string word(const std::string& text) { return '"' + text + '"'; }
    static std::string word(bool value) { return value ? "true" : "false"; }
    static std::string word(Duration duration) { return std::to_string(duration.count()) + "ms"; }
    static std::string word(TimePoint time) { return word(time.time_since_epoch()); }
    static std::string word(WaitFor wait) { return wait == WaitFor::drained ? "drained" : "promoted"; }
    template <typename T>
    static std::string word(T value) {
        if constexpr (requires { to_string(value); }) {
            return to_string(value);
        } else if constexpr (std::is_enum_v<T>) {
            return std::to_string(static_cast<std::underlying_type_t<T>>(value));
        } else {
            return std::to_string(value);
        }
    }

    std::string text_;
};

std::string line(const StartRequested& event) {
    return Line("StartRequested")("request", event.request);
}
std::string line(const ReloadRequested& event) {
    return Line("ReloadRequested")("request", event.request)("wait", event.wait);
}
std::string line(const StopRequested& event) {
    return Line("StopRequested")("request", event.request)("now", event.now)("by", event.by);
}
std::string line(const AddWorkerRequested&) {
    return "AddWorkerRequested";
}
std::string line(const RemoveWorkerRequested&) {
    return "RemoveWorkerRequested";
}
std::string line(const Prepared& event) {
    return Line("Prepared")("generation", event.generation)("count", event.policy.count)(
        "max_surge", event.policy.max_surge);
}
std::string line(const PrepareFailed& event) {
    return Line("PrepareFailed")("generation", event.generation)(
        "configuration_error", event.configuration_error)("reason", event.reason);
}
std::string line(const WorkerSpawned& event) {
    return Line("WorkerSpawned")("worker", event.worker);
}
std::string line(const SpawnFailed& event) {
    return Line("SpawnFailed")("worker", event.worker)("reason", event.reason);
}
std::string line(const WorkerReady& event) {
    return Line("WorkerReady")("worker", event.worker);
}
std::string line(const WorkerOpenedChannel& event) {
    return Line("WorkerOpenedChannel")("worker", event.worker);
}
std::string line(const WorkerOutOfReach& event) {
    return Line("WorkerOutOfReach")("worker", event.worker)("reason", event.reason);
}
std::string line(const WorkerAbandoned& event) {
    return Line("WorkerAbandoned")("worker", event.worker);
}
std::string line(const WorkerExtendedTimeout& event) {
    return Line("WorkerExtendedTimeout")("worker", event.worker)("extension", event.extension);
}
std::string line(const WorkerExited& event) {
    return Line("WorkerExited")("worker", event.worker)(event.status);
}
std::string line(const TimerFired& event) {
    return Line("TimerFired")("timer", event.timer);
}

std::string line(const Prepare& action) {
    return Line("Prepare")("generation", action.generation);
}
std::string line(const Spawn& action) {
    return Line("Spawn")("worker", action.worker)("generation", action.generation)("slot", action.slot);
}
std::string line(const Drain& action) {
    return Line("Drain")("worker", action.worker)("successor", action.successor)("inbox", action.inbox);
}
std::string line(const OfferInbox& action) {
    return Line("OfferInbox")("worker", action.worker)("inbox", action.inbox);
}
std::string line(const CloseInbox& action) {
    return Line("CloseInbox")("generation", action.generation)("successor", action.successor);
}
std::string line(const ReopenInbox& action) {
    return Line("ReopenInbox")("generation", action.generation)("worker", action.worker);
}
std::string line(const ForwardInbox& action) {
    return Line("ForwardInbox")("from", action.from)("to", action.to);
}
std::string line(const Kill& action) {
    return Line("Kill")("worker", action.worker)("reason", action.reason);
}
std::string line(const ArmTimer& action) {
    return Line("ArmTimer")("timer", action.timer)("at", action.at);
}
std::string line(const CancelTimer& action) {
    return Line("CancelTimer")("timer", action.timer);
}
std::string line(const Release& action) {
    return Line("Release")("generation", action.generation);
}
std::string line(const Reply& action) {
    return Line("Reply")("request", action.request)("outcome", action.outcome)(
        "generation", action.generation)(action.failure);
}
std::string line(const GenerationChanged& action) {
    return Line("GenerationChanged")("generation", action.generation)("state", action.state)(action.failure);
}
std::string line(const WorkerChanged& action) {
    return Line("WorkerChanged")("worker", action.worker)("generation", action.generation)(
        "slot", action.slot)("state", action.state);
}
std::string line(const RestartScheduled& action) {
    return Line("RestartScheduled")("generation", action.generation)("slot", action.slot)(
        "delay", action.delay)("short_lives", action.short_lives);
}
std::string line(const ReloadWaits& action) {
    return Line("ReloadWaits")("draining", action.draining)("max_draining", action.max_draining);
}
std::string line(const CountChanged& action) {
    return Line("CountChanged")("generation", action.generation)("count", action.count);
}
std::string line(const Exit& action) {
    return Line("Exit")("code", action.code);
}

}  // namespace

std::string to_string(const Event& event) {
    return std::visit([](const auto& what) { return line(what); }, event);
}

std::string to_string(const Action& action) {
    return std::visit([](const auto& what) { return line(what); }, action);
}

std::string to_string(const ExitStatus& status) {
    return (status.signalled ? "signal " : "exit code ") + std::to_string(status.code);
}

const char* to_string(StopBy by) {
    switch (by) {
        case StopBy::request: return "request";
        case StopBy::signal: return "signal";
        case StopBy::lost_terminal: return "lost_terminal";
    }
    return "?";
}

const char* to_string(GenerationState state) {
    switch (state) {
        case GenerationState::starting: return "starting";
        case GenerationState::soaking: return "soaking";
        case GenerationState::active: return "active";
        case GenerationState::draining: return "draining";
        case GenerationState::aborting: return "aborting";
        case GenerationState::gone: return "gone";
    }
    return "?";
}

const char* to_string(WorkerState state) {
    switch (state) {
        case WorkerState::spawning: return "spawning";
        case WorkerState::starting: return "starting";
        case WorkerState::ready: return "ready";
        case WorkerState::draining: return "draining";
        case WorkerState::killing: return "killing";
        case WorkerState::exited: return "exited";
    }
    return "?";
}

const char* to_string(Failure::Kind kind) {
    switch (kind) {
        case Failure::Kind::prepare_failed: return "prepare_failed";
        case Failure::Kind::configuration_error: return "configuration_error";
        case Failure::Kind::spawn_failed: return "spawn_failed";
        case Failure::Kind::exited_before_ready: return "exited_before_ready";
        case Failure::Kind::ready_timeout: return "ready_timeout";
        case Failure::Kind::crashed_in_soak: return "crashed_in_soak";
        case Failure::Kind::exited_before_promotion: return "exited_before_promotion";
        case Failure::Kind::out_of_reach: return "out_of_reach";
        case Failure::Kind::stopping: return "stopping";
    }
    return "?";
}

const char* to_string(Kill::Reason reason) {
    switch (reason) {
        case Kill::Reason::drain_timeout: return "drain_timeout";
        case Kill::Reason::ready_timeout: return "ready_timeout";
        case Kill::Reason::aborted: return "aborted";
        case Kill::Reason::stop_now: return "stop_now";
    }
    return "?";
}

const char* to_string(Reply::Outcome outcome) {
    switch (outcome) {
        case Reply::Outcome::promoted: return "promoted";
        case Reply::Outcome::failed: return "failed";
        case Reply::Outcome::stopped: return "stopped";
    }
    return "?";
}

const char* to_string(Health health) {
    switch (health) {
        case Health::well: return "well";
        case Health::degraded: return "degraded";
        case Health::down: return "down";
    }
    return "?";
}
const char* to_string(InstanceState state) {
    switch (state) {
        case InstanceState::starting: return "starting";
        case InstanceState::running: return "running";
        case InstanceState::reloading: return "reloading";
        case InstanceState::stopping: return "stopping";
    }
    return "?";
}

}  // namespace sup::core
