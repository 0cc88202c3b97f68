#include "master/log_place.h"

namespace sup {
namespace {

constexpr std::uint64_t most_log_bytes = 16 * 1024 * 1024;

}  // namespace

LogPlace log_place(const config::Config& config, const InstancePaths& paths, bool background) {
    if (config.log.file || !background) return {.file = config.log.file.value_or("")};
    // The runtime folder may lie in memory, and what workers print is theirs to decide. Those that have the
    // file themselves would go on writing to the one before, and the master sees nothing of it.
    const bool bounded = config.log.workers == config::WorkerOutput::capture;
    return {.file = paths.log, .max_bytes = bounded ? most_log_bytes : 0, .unbounded = !bounded};
}

}  // namespace sup
