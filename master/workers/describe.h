// Failures of a start or a reload, in words for a person.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "common/duration.h"
#include "config/config.h"
#include "master/core/action.h"

namespace sup {

// "exited with code 1", "was killed by signal 11 (SIGSEGV)".
std::string describe(const core::ExitStatus& status);

// What the shell knows about the worker that failed.
struct FailedWorker {
    core::GenerationId generation{};
    pid_t pid = 0;  // 0: there never was a process
    Duration ready_timeout{0};
    config::Ready ready = config::ReadyByNotify{};
    std::string left_behind = {};  // what was left of it when it had ended, in words; empty: nothing
};

// One sentence without a full stop: "worker 0 of generation 2 (pid 4711) exited with code 1 before it was
// ready".
std::string describe(const core::Failure& failure, const std::optional<FailedWorker>& worker);

}  // namespace sup
