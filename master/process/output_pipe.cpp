#include "master/process/output_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

namespace sup {
namespace {

constexpr int wanted_pipe_bytes = 1024 * 1024;

}  // namespace

Result<OutputPipe> open_output_pipe(std::optional<Owner> owner) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("output pipe");
    OutputPipe pipe;
    pipe.reader = UniqueFd{ends[0]};
    const UniqueFd writer{ends[1]};
    // O_RDWR works for a pipe on Linux (fifo(7)); it makes a new open file, so that the flags of the two ends
    // are apart.
    const std::string path = "/proc/self/fd/" + std::to_string(writer.get());
    pipe.worker_end = UniqueFd{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    if (!pipe.worker_end) return errno_error("output pipe: " + path);
    if (::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("output pipe: O_NONBLOCK");
    // EPERM beyond /proc/sys/fs/pipe-user-pages-soft: then it stays at its 64 KiB, and works all the same.
    static_cast<void>(::fcntl(pipe.reader.get(), F_SETPIPE_SZ, wanted_pipe_bytes));
    if (owner && ::fchown(pipe.worker_end.get(), owner->uid, owner->gid) != 0)
        return errno_error("output pipe: fchown");
    return pipe;
}

}  // namespace sup
