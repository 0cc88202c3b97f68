// pidfd_open(2), pidfd_send_signal(2): glibc 2.36 declares them without extern "C", earlier ones not at all.
#pragma once

#include <sys/types.h>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

Result<UniqueFd> open_pidfd(pid_t pid);

// False when the process is gone.
bool send_signal(int pidfd, int signal);

}  // namespace sup
