#include "master/cli/background.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "master/instance/master.h"

namespace sup::cli {
namespace {

void detach_standard_descriptors() {
    const int null = ::open("/dev/null", O_RDWR);
    if (null < 0) return;  // they are open, if to something else
    for (const int target : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, target);
    if (null > STDERR_FILENO) ::close(null);
}

// Whatever the caller had open, with or without close-on-exec: a shell that reads our output waits for its
// end.
void close_all_but(std::array<int, 3> kept) {
    std::ranges::sort(kept);
    unsigned from = STDERR_FILENO + 1;
    for (const int fd : kept) {
        const auto next = static_cast<unsigned>(fd);
        if (from < next) ::close_range(from, next - 1, 0);
        from = next + 1;
    }
    ::close_range(from, ~0U, 0);
}

[[noreturn]] void become_master(Claim& claim, UniqueFd report) {
    ::setsid();
    detach_standard_descriptors();
    const auto [lock, folder] = claim.directory.lock_descriptors();
    close_all_but({report.get(), lock, folder});
    // Every path is absolute by now; a working directory would only keep a file system from being unmounted.
    [[maybe_unused]] const int ignored = ::chdir("/");
    const int code = run_master({.config = std::move(claim.config),
                                 .directory = std::move(claim.directory),
                                 .background = true,
                                 .report = std::move(report)});
    std::exit(code);
}

}  // namespace

Result<BackgroundMaster> start_in_background(Claim& claim) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return errno_error("cannot create the stream for the start's report");
    }
    UniqueFd ours{ends[0]};
    UniqueFd masters{ends[1]};
    const pid_t pid = ::fork();
    if (pid < 0) return errno_error("cannot fork the master");
    if (pid == 0) become_master(claim, std::move(masters));
    return BackgroundMaster{pid, std::move(ours)};
}

}  // namespace sup::cli
