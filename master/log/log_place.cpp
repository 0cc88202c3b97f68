#include "master/log/log_place.h"

#include "master/runtime/log_file.h"

namespace sup {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;
constexpr LogBounds of_file{64 * mebibyte, 4};
constexpr LogBounds of_runtime_folder{16 * mebibyte, 1};  // which may be in memory

// Those workers that have the file themselves would go on writing to the one before, and the master sees
// nothing of it: no bound can hold.
LogBounds bounds(const config::Log& log, LogBounds usual) {
    if (log.workers == config::WorkerOutput::inherit) return {};
    return {log.max_size.value_or(usual.max_bytes), log.keep.value_or(usual.keep)};
}

}  // namespace

LogPlace log_place(const config::Config& config, const InstancePaths& paths, bool background) {
    const config::Log& log = config.log;
    const bool named = log.file && !(background && own_descriptor(*log.file));
    if (named || !background) return {.file = log.file.value_or(""), .bounds = bounds(log, of_file)};
    return {.file = paths.log,
            .bounds = bounds(log, of_runtime_folder),
            .unbounded = log.workers == config::WorkerOutput::inherit};
}

}  // namespace sup
