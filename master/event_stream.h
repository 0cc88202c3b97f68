// The `event` notifications of the control socket: what is happening, for whoever waits or watches.
#pragma once

#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "config/config.h"
#include "master/core/action.h"
#include "master/core/supervisor.h"

namespace sup {

nlohmann::json to_event(const core::GenerationChanged& change, const core::View& view);
nlohmann::json to_event(const core::WorkerChanged& change, pid_t pid);
// {"type":"worker_ready","ready":1,"count":2,…}: how far the generation is.
nlohmann::json worker_ready_event(const core::WorkerChanged& change, pid_t pid, const core::View& view);
nlohmann::json to_event(const core::RestartScheduled& restart);
nlohmann::json to_event(const core::ReloadWaits& wait);
nlohmann::json to_event(const core::CountChanged& change);
nlohmann::json log_event(config::LogLevel level, std::string_view message);

}  // namespace sup
