// Runs on the parent's memory (CLONE_VM), on a stack of its own, while the parent sleeps (CLONE_VFORK). So:
//  * Only system calls, each made by its number: no allocation, no lock, no library state. The one exception
//  is errno, a
//    variable of the parent's thread that the child overwrites; the parent takes the error number from the
//    plan.
//  * Not instrumented by sanitizers: frames left by exec stay poisoned in the parent's shadow memory, on a
//  stack whose
//    addresses the next mapping gets. Everything called here is therefore in this file, and uses plain
//    pointers.
#include "master/spawn/spawn_child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#define SUP_IN_CHILD __attribute__((no_sanitize("address"), no_sanitize("undefined")))

namespace sup {
namespace {

// The kernel's own, for rt_sigaction(2): all zero is SIG_DFL without flags. glibc's sigaction() refuses
// signals 32 and 33.
struct KernelSignalAction {
    unsigned long words[4];
};
constexpr int highest_signal = 64;
constexpr unsigned long kernel_signal_set_bytes = 8;

// SIG_IGN survives exec, and the parent's handlers must not run here. It fails for SIGKILL and SIGSTOP, as it
// should.
SUP_IN_CHILD void reset_dispositions() {
    const KernelSignalAction defaults{};
    for (int number = 1; number <= highest_signal; ++number) {
        ::syscall(SYS_rt_sigaction, number, &defaults, nullptr, kernel_signal_set_bytes);
    }
}

SUP_IN_CHILD bool unblock_signals() {
    const unsigned long long none = 0;
    return ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kernel_signal_set_bytes) == 0;
}

SUP_IN_CHILD bool move_above(int& fd, int floor) {
    if (fd >= floor) return true;
    const long moved = ::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, floor);
    if (moved < 0) return false;
    fd = static_cast<int>(moved);
    return true;
}

constexpr const char* close_range_failed = "close_range (Linux 5.9 or newer is needed)";

SUP_IN_CHILD bool close_between(int below, int above) {
    return below + 1 == above || ::syscall(SYS_close_range, below + 1, above - 1, 0) == 0;
}

// First every source out of the targets' way, then into place, then everything else away.
SUP_IN_CHILD const char* arrange_descriptors(ChildPlan& plan) {
    const int executable_target = plan.targets[plan.source_count - 1] + 1;
    const int floor = executable_target + 1;
    for (int i = 0; i < plan.source_count; ++i) {
        if (!move_above(plan.sources[i], floor)) return "fcntl F_DUPFD";
    }
    const bool by_descriptor = plan.executable >= 0;
    if (by_descriptor && !move_above(plan.executable, floor)) return "fcntl F_DUPFD";
    for (int i = 0; i < plan.source_count; ++i) {
        if (::syscall(SYS_dup3, plan.sources[i], plan.targets[i], 0) < 0) return "dup3";
    }
    if (by_descriptor) {
        if (::syscall(SYS_dup3, plan.executable, executable_target,
                      plan.executable_stays_open ? 0 : O_CLOEXEC) < 0)
            return "dup3";
        plan.executable = executable_target;
    }
    for (int i = 1; i < plan.source_count; ++i) {
        if (!close_between(plan.targets[i - 1], plan.targets[i])) return close_range_failed;
    }
    const int first_unwanted = by_descriptor ? floor : executable_target;
    return ::syscall(SYS_close_range, first_unwanted, ~0U, 0) == 0 ? nullptr : close_range_failed;
}

// By the system call, so that no cached pid of the parent's can get in.
SUP_IN_CHILD void write_own_pid(char* out) {
    char digits[pid_digits];
    int count = 0;
    for (long pid = ::syscall(SYS_getpid); pid > 0; pid /= 10)
        digits[count++] = static_cast<char>('0' + pid % 10);
    while (count > 0) *out++ = digits[--count];
}

// Of this process: field 22 of its stat, whose second field is a name that may hold anything (proc(5)).
SUP_IN_CHILD bool write_start_time(char* out) {
    constexpr int spaces_before = 20;  // counted from the end of the name
    char text[1024];
    const long fd = ::syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const long size = ::syscall(SYS_read, fd, text, sizeof text);
    ::syscall(SYS_close, fd);
    long at = size;
    while (at > 0 && text[at - 1] != ')') --at;
    if (at <= 0) return false;
    for (int spaces = 0; at < size && spaces < spaces_before; ++at) spaces += text[at] == ' ' ? 1 : 0;
    const long first = at;
    while (at < size && text[at] >= '0' && text[at] <= '9') *out++ = text[at++];
    return at > first;
}

SUP_IN_CHILD bool note_birth(const ChildNote& note) {
    if (note.file < 0 || !write_start_time(note.start_time)) return false;
    write_own_pid(note.pid);
    return ::syscall(SYS_write, note.file, note.text, note.size) == static_cast<long>(note.size);
}

SUP_IN_CHILD const char* become_worker(ChildPlan& plan) {
    reset_dispositions();
    // A group alone would leave it our controlling terminal: as another user it could type there (TIOCSTI).
    if (::syscall(SYS_setsid) < 0) return "setsid";
    if (::syscall(SYS_fchdir, plan.directory) != 0) return "fchdir to worker.cwd";
    if (const char* failed = arrange_descriptors(plan)) return failed;
    if (plan.own_pid != nullptr) write_own_pid(plan.own_pid);
    if (::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &plan.descriptor_limit, nullptr) != 0) return "setrlimit";
    if (!unblock_signals()) return "sigprocmask";
    // By descriptor the process is what was pinned; its short name is the descriptor's number before
    // Linux 6.14.
    if (plan.executable >= 0) {
        ::syscall(SYS_execveat, plan.executable, "", plan.arguments, plan.environment, AT_EMPTY_PATH);
    } else {
        ::syscall(SYS_execve, plan.path, plan.arguments, plan.environment);
    }
    return "exec";
}

}  // namespace

SUP_IN_CHILD int run_child(void* argument) {
    ChildPlan& plan = *static_cast<ChildPlan*>(argument);
    // First of all, while this process still holds every descriptor of the parent's, its locks among them:
    // whoever finds those free knows that no note is on its way.
    plan.noted = note_birth(plan.note);
    plan.failed_step = become_worker(plan);
    plan.error_number = errno;
    ::syscall(SYS_exit_group, 127);
    return 127;
}

}  // namespace sup
