// `sup status` and `sup list` for people: text from pictures. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "master/cli/exit_code.h"
#include "master/cli/instances.h"
#include "master/cli/terminal.h"
#include "master/status/answers.h"
#include "master/status/picture.h"

namespace sup::cli {

struct StatusView {
    Style style;
    std::chrono::system_clock::time_point now;
};

std::string render_status(const status::Picture& picture, const StatusView& view);

// What `sup status --check` ends with: done when all is well, degraded, or down.
ExitCode health_of(const status::Picture& picture);

std::string render_list(const std::vector<status::Listed>& list, const Style& style);

// "the master of hello is gone; these workers of it still serve:" and a table.
std::string render_orphans(const Found& found, const Style& style);

}  // namespace sup::cli
