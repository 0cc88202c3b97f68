// What a command's end means to a script.
#pragma once

#include <string>

namespace sup::cli {

enum class ExitCode {
    done = 0,
    failed = 1,       // reload: the old generation still serves; start: nothing is left running
    usage = 2,        // wrong usage or an invalid configuration; nothing was changed
    not_running = 3,  // no such instance
    timed_out = 4,    // the outcome is not known: --timeout passed, or too many ask; what was begun goes on
    degraded = 5,     // status --check: it serves, but not all is well
    down = 6,         // status --check: no worker of the active generation is ready
};

// Why a command cannot go on.
struct CommandError {
    ExitCode code = ExitCode::failed;
    std::string message;
};

}  // namespace sup::cli
