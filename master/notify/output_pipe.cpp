#include "master/notify/output_pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

namespace sup {
namespace {

constexpr std::size_t largest_pipe = std::size_t{1024} * 1024;
constexpr std::size_t smallest_pipe = std::size_t{64} * 1024;  // what the kernel gives by itself

}  // namespace

std::size_t output_pipe_bytes(std::size_t workers, std::optional<std::size_t> user_limit_bytes) {
    if (!user_limit_bytes) return largest_pipe;
    std::size_t bytes = largest_pipe;
    // A quarter of the budget, because a reload has twice the workers, and the user has other processes.
    while (bytes > smallest_pipe && bytes * 2 * workers > *user_limit_bytes / 4) bytes /= 2;
    return bytes;
}

std::optional<std::size_t> pipe_limit_of_user() {
    if (::geteuid() == 0) return std::nullopt;
    std::ifstream file("/proc/sys/fs/pipe-user-pages-soft");
    std::size_t pages = 0;
    if (!(file >> pages) || pages == 0) return std::nullopt;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

Result<OutputPipe> open_output_pipe(std::optional<Owner> owner, std::size_t bytes) {
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
    // EPERM beyond /proc/sys/fs/pipe-user-pages-soft: then it stays as it is, and works all the same.
    static_cast<void>(::fcntl(pipe.reader.get(), F_SETPIPE_SZ, static_cast<int>(bytes)));
    if (::fchmod(pipe.worker_end.get(), 0666) != 0) return errno_error("output pipe: fchmod");
    if (owner && ::fchown(pipe.worker_end.get(), owner->uid, owner->gid) != 0)
        return errno_error("output pipe: fchown");
    return pipe;
}

}  // namespace sup
