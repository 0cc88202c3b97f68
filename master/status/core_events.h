// What the core notifies of, as the events that are told.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "config/config.h"
#include "master/core/action.h"
#include "master/status/event.h"

namespace sup::status {

Event event_of(const core::GenerationChanged& change);
Event event_of(const core::WorkerChanged& change, pid_t pid);
Event worker_ready_event(const core::WorkerChanged& change, pid_t pid);
Event event_of(const core::RestartScheduled& restart);
Event event_of(const core::ReloadWaits& wait);
Event event_of(const core::CountChanged& change);
Event log_event(config::LogLevel level, std::string_view message);

}  // namespace sup::status
