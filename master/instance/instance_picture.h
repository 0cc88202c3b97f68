// The shell's side of the picture that status and list show.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "master/core/supervisor.h"
#include "master/releases/generation.h"
#include "master/status/picture.h"
#include "master/workers/worker_process.h"

namespace sup {

struct PictureSource {
    std::string name;
    std::string config_file;
    std::string log_file;  // empty: standard error
    core::TimePoint started_at;
    core::TimePoint now;
    const core::View& view;
    std::optional<status::Reload> last_reload;
    std::vector<status::LeftBehind> left_behind;
    // Null for a worker that the shell does not know (any more).
    std::function<const Generation*(core::GenerationId)> generation;
    std::function<const WorkerProcess*(core::WorkerId)> worker;
    // Why a listener does not serve, in words; empty when it does.
    std::function<std::string(const Listener&)> problem;
};

status::Picture take_picture(const PictureSource& source);

}  // namespace sup
