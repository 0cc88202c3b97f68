// The log's settings, which each generation brings: a new place is opened while the generation is prepared,
// and used once it is promoted.
#pragma once

#include <optional>

#include "common/result.h"
#include "config/config.h"
#include "master/core/ids.h"
#include "master/log/log.h"
#include "master/runtime/instance_paths.h"

namespace sup {

// Main thread only.
class LogSettings {
public:
    // Both outlive it. `background`: see log_place().
    LogSettings(Log& log, const InstancePaths& paths, bool background)
        : log_(log), paths_(paths), background_(background) {}
    LogSettings(const LogSettings&) = delete;
    LogSettings& operator=(const LogSettings&) = delete;

    // Opens the place that the generation's configuration names, if it is another one than now.
    Status prepare(core::GenerationId generation, const config::Config& config);
    // Applies those of the generation that was prepared last, and is active now. An error: the log stays
    // where it was.
    Status take(const config::Config& config);
    // That generation failed.
    void drop() { next_.reset(); }

    // Where the output of that generation's workers goes if it is not captured: in the background, already to
    // its own log. None: where the master's goes.
    std::optional<int> output_of(core::GenerationId generation) const;
    // Reopens the log's file, and the next one. An error: the old one stays in use.
    Status reopen();

private:
    struct Next {
        core::GenerationId generation;
        LogDestination destination;
    };

    Log& log_;
    const InstancePaths& paths_;
    bool background_;
    std::optional<Next> next_;  // none: the log stays where it is
};

}  // namespace sup
