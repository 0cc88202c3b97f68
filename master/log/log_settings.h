// The log's settings, as the generations bring them: a new place is opened while a generation is prepared,
// and taken when that is promoted.
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

    // Opens what that generation's configuration says, where it is another place than now.
    Status prepare(core::GenerationId generation, const config::Config& config);
    // Of the generation that was prepared last, and is active now. An error: the log stays where it was.
    Status take(const config::Config& config);
    // It was refused.
    void drop() { next_.reset(); }

    // Where the output of that generation's workers goes that is not captured: already to its own log, in the
    // background. None: where the master's goes.
    std::optional<int> output_of(core::GenerationId generation) const;
    // The log's file is opened again, and so is the next one. An error: the old one stays in use.
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
