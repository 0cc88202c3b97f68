// `sup status` and `sup list` for people: text from the master's answers. Pure.
#pragma once

#include <chrono>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "master/cli/exit_code.h"
#include "master/cli/instances.h"
#include "master/cli/terminal.h"

namespace sup::cli {

struct StatusView {
    Style style;
    std::chrono::system_clock::time_point now;
};

// The whole answer of the method `status`.
std::string render_status(const nlohmann::json& status, const StatusView& view);

// What `sup status --check` ends with: done when all is well, degraded, or down.
ExitCode health_of(const nlohmann::json& status);

// An array as `sup list --json` prints it.
std::string render_list(const nlohmann::json& list, const Style& style);

// "the master of hello is gone; these workers of it still serve:" and a table.
std::string render_orphans(const Found& found, const Style& style);

}  // namespace sup::cli
