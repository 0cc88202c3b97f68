#include "master/spawn/descriptor_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace sup {

Result<rlimit> raise_descriptor_limit() {
    rlimit before{};
    if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return errno_error("getrlimit RLIMIT_NOFILE");
    rlimit raised = before;
    raised.rlim_cur = raised.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return errno_error("setrlimit RLIMIT_NOFILE");
    return before;
}

Status check_master_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error("getrlimit RLIMIT_NOFILE");
    if (limit.rlim_max >= descriptors_of_a_master) return Success{};
    return Error{"the limit of " + std::to_string(limit.rlim_max) +
                 " open files is too low: sup alone needs " + std::to_string(descriptors_of_a_master) +
                 " (raise `ulimit -Hn`, or LimitNOFILE= in a systemd unit)"};
}

Status ensure_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // open(2) takes the lowest number that is free: this one.
        if (::open("/dev/null", O_RDWR) < 0) return errno_error("/dev/null");
    }
    return Success{};
}

// spawn() first moves them all above the highest number that any of them will have, and the executable with
// them.
Status check_worker_descriptors(const config::Config& config, rlim_t limit) {
    const auto* newline = std::get_if<config::ReadyByNewline>(&config.worker.ready);
    const std::size_t count = STDERR_FILENO + 1 + config.listen.size() + (newline != nullptr ? 1 : 0);
    const std::size_t highest =
        newline != nullptr ? std::max(static_cast<std::size_t>(newline->fd), count - 1) : count - 1;
    if (highest + count + 3 <= limit) return Success{};
    return Error{"a worker cannot be given descriptor " + std::to_string(highest) + " within the limit of " +
                 std::to_string(limit) +
                 " open files (raise `ulimit -Hn`, or LimitNOFILE= in a systemd unit)"};
}

}  // namespace sup
