#include "master/process/descriptor_limit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sup {

Result<rlimit> raise_descriptor_limit() {
    rlimit before{};
    if (::getrlimit(RLIMIT_NOFILE, &before) != 0) return errno_error("getrlimit RLIMIT_NOFILE");
    rlimit raised = before;
    raised.rlim_cur = raised.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0) return errno_error("setrlimit RLIMIT_NOFILE");
    return before;
}

Status ensure_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // open(2) takes the lowest number that is free: this one.
        if (::open("/dev/null", O_RDWR) < 0) return errno_error("/dev/null");
    }
    return Success{};
}

}  // namespace sup
