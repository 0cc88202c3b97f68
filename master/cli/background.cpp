#include "master/cli/background.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "master/master.h"

namespace sup::cli {
namespace {

void detach_standard_descriptors() {
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0) return;  // the master makes sure of them again, and can say what is wrong
    for (const int target : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, target);
    if (null > STDERR_FILENO) ::close(null);
}

// Whatever the caller had open, with or without close-on-exec: a shell that reads our output waits for its
// end.
void close_all_but(int one, int other) {
    const auto [low, high] = std::minmax(one, other);
    constexpr unsigned first = STDERR_FILENO + 1;
    const auto close_between = [](unsigned from, unsigned to) {
        if (from <= to) ::close_range(from, to, 0);
    };
    close_between(first, static_cast<unsigned>(low) - 1);
    close_between(static_cast<unsigned>(low) + 1, static_cast<unsigned>(high) - 1);
    close_between(static_cast<unsigned>(high) + 1, ~0U);
}

[[noreturn]] void become_master(Claim& claim, UniqueFd report) {
    ::setsid();
    detach_standard_descriptors();
    close_all_but(report.get(), claim.directory.lock_descriptor());
    // Every path is absolute by now; a working directory would only keep a file system from being unmounted.
    [[maybe_unused]] const int ignored = ::chdir("/");
    const int code = run_master({.config = std::move(claim.config),
                                 .directory = std::move(claim.directory),
                                 .background = true,
                                 .report = std::move(report)});
    std::exit(code);
}

// Descriptors 0 to 2 may have been closed by the caller; nothing of ours must take their place.
UniqueFd above_standard(UniqueFd fd) {
    if (fd.get() > STDERR_FILENO) return fd;
    return UniqueFd{::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
}

}  // namespace

Result<BackgroundMaster> start_in_background(Claim& claim) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return errno_error("cannot create the stream for the start's report");
    }
    UniqueFd ours = above_standard(UniqueFd{ends[0]});
    UniqueFd masters = above_standard(UniqueFd{ends[1]});
    const pid_t pid = ::fork();
    if (pid < 0) return errno_error("cannot fork the master");
    if (pid == 0) become_master(claim, std::move(masters));
    return BackgroundMaster{pid, std::move(ours)};
}

}  // namespace sup::cli
