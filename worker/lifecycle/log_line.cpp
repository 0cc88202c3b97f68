#include "worker/lifecycle/log_line.h"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/without_broken_pipe.h"

namespace sup::worker {

void log_line(std::string_view text) {
    std::string line = program_invocation_short_name;
    line.append(": ").append(text).append("\n");
    // One write, so that lines of several workers on one terminal do not mix. Where stderr is gone nobody
    // reads this.
    const WithoutBrokenPipe guard;
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace sup::worker
