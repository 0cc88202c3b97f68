// What `sup status --json` shows.
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "master/core/supervisor.h"
#include "master/generation.h"
#include "master/outcome.h"
#include "master/worker_process.h"

namespace sup {

struct StatusSource {
    std::string name;
    std::string config_file;
    std::string log_file;  // empty: standard error
    core::TimePoint started_at;
    core::TimePoint now;
    const core::View& view;
    const std::optional<ReloadOutcome>& last_reload;
    const nlohmann::json& left_behind;  // LeftBehindList::to_json()
    // Null for one that the shell does not know (any more).
    std::function<const Generation*(core::GenerationId)> generation;
    std::function<const WorkerProcess*(core::WorkerId)> worker;
    // Why a listener does not serve, in words; nothing when it does.
    std::function<std::string(const Listener&)> problem;
};

nlohmann::json status_json(const StatusSource& source);

}  // namespace sup
