// Starting a worker process.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/process/executable.h"
#include "master/process/pinned_directory.h"

namespace sup {

struct SpawnRequest {
    const Executable& executable;
    const PinnedDirectory& directory;
    std::vector<std::string> arguments;    // argv; [0] as configured
    std::vector<std::string> environment;  // from worker_environment()
    std::vector<int> listeners;            // become descriptors 3, 4, …; also the cause for LISTEN_PID
    int standard_output = STDOUT_FILENO;
    int standard_error = STDERR_FILENO;
    rlimit descriptor_limit{};  // RLIMIT_NOFILE of the worker: what raise_descriptor_limit() returned
};

struct SpawnedProcess {
    pid_t pid = -1;
    UniqueFd pidfd;
};

// Returns when the program runs, or failed to. The worker leads a process group of its own, has an empty
// signal mask and every disposition default, /dev/null as its input, and no descriptor but those named in the
// request, whatever this process has open without close-on-exec. The error starts with "worker ARGV0: ", and
// then no process is left. From the main thread, with no other thread running.
Result<SpawnedProcess> spawn(const SpawnRequest& request);

}  // namespace sup
