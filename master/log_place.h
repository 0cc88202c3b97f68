// Where an instance's log goes.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "master/runtime/instance_paths.h"

namespace sup {

struct LogPlace {
    std::string file;             // empty: standard error
    std::uint64_t max_bytes = 0;  // as in Log::Options
    bool unbounded = false;       // in the runtime folder, and workers write to it themselves
};

// In the background there is always a file.
LogPlace log_place(const config::Config& config, const InstancePaths& paths, bool background);

}  // namespace sup
