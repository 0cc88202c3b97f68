// Where an instance's log goes.
#pragma once

#include <string>

#include "config/config.h"
#include "master/log/log_output.h"
#include "master/runtime/instance_paths.h"

namespace sup {

struct LogPlace {
    std::string file;  // empty: standard error
    LogBounds bounds;
    bool unbounded = false;  // in the runtime folder, and workers write to it themselves
};

// In the background there is always a file, even if the configuration names a descriptor (/dev/stdout): a
// master in the background has none of its caller's descriptors.
LogPlace log_place(const config::Config& config, const InstancePaths& paths, bool background);

}  // namespace sup
