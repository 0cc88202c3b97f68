#include "master/status/core_events.h"

#include <cstdlib>

#include "master/core/generation_number.h"

namespace sup::status {
namespace {

const char* level_name(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug: return "debug";
        case config::LogLevel::info: return "info";
        case config::LogLevel::warning: return "warning";
        case config::LogLevel::error: return "error";
    }
    std::abort();
}

}  // namespace

Event event_of(const core::GenerationChanged& change) {
    return GenerationEvent{number(change.generation), core::to_string(change.state), change.workers,
                           change.ready};
}

Event event_of(const core::WorkerChanged& change, pid_t pid) {
    return WorkerEvent{number(change.generation), change.slot, pid, core::to_string(change.state)};
}

Event worker_ready_event(const core::WorkerChanged& change, pid_t pid) {
    return WorkerReadyEvent{number(change.generation), change.slot, pid, change.ready, change.count};
}

Event event_of(const core::RestartScheduled& restart) {
    return RestartEvent{number(restart.generation), restart.slot, restart.delay};
}

Event event_of(const core::ReloadWaits& wait) {
    return ReloadWaitsEvent{wait.draining, wait.max_draining};
}

Event event_of(const core::CountChanged& change) {
    return CountEvent{number(change.generation), change.count};
}

Event log_event(config::LogLevel level, std::string_view message) {
    return LogEvent{level_name(level), std::string(message)};
}

}  // namespace sup::status
