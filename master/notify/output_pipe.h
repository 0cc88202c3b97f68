// A pipe for a worker's output that outlives its reader: the worker's end is open for reading too, so a
// worker whose master was killed gets no SIGPIPE; what it prints stays in the pipe (up to its size).
#pragma once

#include <optional>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/notify/owner.h"

namespace sup {

struct OutputPipe {
    UniqueFd reader;      // O_NONBLOCK; end-of-file when the worker's end is closed everywhere
    UniqueFd worker_end;  // O_RDWR, blocking; both are close-on-exec
};

// How large each of two pipes for each of so many workers may be: 1 MiB, less where a user without privileges
// would use up what the kernel grants him (pipe(7), pipe-user-pages-soft): beyond it every new pipe of his,
// in any process, has two pages only.
std::size_t output_pipe_bytes(std::size_t workers, std::optional<std::size_t> user_limit_bytes);
// Nothing when there is no limit.
std::optional<std::size_t> pipe_limit_of_user();

// `bytes` large where the kernel allows it. A worker may open /dev/stdout again as whatever user it has
// become: nothing leads to the pipe but the guarded /proc/PID/fd of those who hold it.
Result<OutputPipe> open_output_pipe(std::optional<Owner> owner, std::size_t bytes = std::size_t{1024} * 1024);

}  // namespace sup
