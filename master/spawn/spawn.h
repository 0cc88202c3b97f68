// Starting a worker process.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/process/birth_note.h"
#include "master/spawn/executable.h"
#include "master/spawn/pinned_directory.h"

namespace sup {

struct SpawnRequest {
    const Executable& executable;
    const PinnedDirectory& directory;
    // argv. [0] is the command in messages; the program sees in its place what Executable::launch() leads
    // with.
    std::vector<std::string> arguments;
    std::vector<std::string> environment;  // from worker_environment()
    std::vector<int> listeners;            // become descriptors 3, 4, …
    bool listen_pid = true;                // whether LISTEN_PID is told, where there are listeners
    std::optional<int> standard_input;     // /dev/null
    int standard_output = STDOUT_FILENO;
    int standard_error = STDERR_FILENO;
    // Becomes descriptor `target`, which is none of the others.
    struct Extra {
        int source;
        int target;
    };
    std::optional<Extra> extra;
    rlimit descriptor_limit{};  // RLIMIT_NOFILE of the worker: what raise_descriptor_limit() returned
    std::optional<BirthNote> note{};
};

struct SpawnedProcess {
    pid_t pid = -1;
    UniqueFd pidfd;
    bool noted = false;  // whether it could write its note, if there is one
};

// Returns when the program runs, or failed to. The worker leads a session of its own, has an empty signal mask
// and every disposition default, and no descriptor but those named in the request (and a script's own, where
// it can only be opened by it), whatever this process has open without close-on-exec. The error starts with
// "worker ARGV0: ", and then no process is left. From the main thread, with no other thread running.
Result<SpawnedProcess> spawn(const SpawnRequest& request);

}  // namespace sup
