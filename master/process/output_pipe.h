// A pipe for a worker's output that outlives its reader: the worker's end is open for reading too, so a
// worker whose master was killed gets no SIGPIPE; what it prints stays in the pipe (up to its size).
#pragma once

#include <optional>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/process/owner.h"

namespace sup {

struct OutputPipe {
    UniqueFd reader;      // O_NONBLOCK; end-of-file when the worker's end is closed everywhere
    UniqueFd worker_end;  // O_RDWR, blocking; both are close-on-exec
};

// 1 MiB large where the kernel allows it, and owned by `owner` so that a worker may reopen /dev/stdout.
Result<OutputPipe> open_output_pipe(std::optional<Owner> owner);

}  // namespace sup
