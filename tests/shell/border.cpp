#include "tests/shell/border.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cstdarg>
#include <random>

#include "tests/shell/kernel.h"

namespace sup::shell {
namespace {

Kernel*& in_charge() {
    static Kernel* kernel = nullptr;
    return kernel;
}

constexpr std::size_t signal_set_bytes = 8;

int open_real(const char* path, int flags, mode_t mode) {
    return static_cast<int>(real(SYS_openat, AT_FDCWD, path, flags, mode));
}

int open_somewhere(const char* path, int flags, mode_t mode) {
    if (Kernel* kernel = in_charge()) {
        if (const auto opened = kernel->open(path)) return *opened;
    }
    return open_real(path, flags, mode);
}

int wait_somewhere(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
    if (Kernel* kernel = in_charge()) return kernel->wait(epoll, events, most, timeout);
    return static_cast<int>(real(SYS_epoll_pwait, epoll, events, most, timeout, mask, signal_set_bytes));
}

}  // namespace

void set_kernel(Kernel* kernel) {
    in_charge() = kernel;
}

}  // namespace sup::shell

using sup::shell::in_charge;
using sup::shell::real;

// Jitter comes from the seed, too.
std::random_device::result_type std::random_device::_M_getval() {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->random_number();
    result_type number = 0;
    real(SYS_getrandom, &number, sizeof number, 0);
    return number;
}

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->clock(clock, time);
    return static_cast<int>(real(SYS_clock_gettime, clock, time));
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    return sup::shell::wait_somewhere(epoll, events, most, timeout, nullptr);
}

int epoll_pwait(int epoll, epoll_event* events, int most, int timeout, const sigset_t* mask) {
    return sup::shell::wait_somewhere(epoll, events, most, timeout, mask);
}

int clone(int (*)(void*), void*, int, void* argument, ...) noexcept {
    va_list more;
    va_start(more, argument);
    int* pidfd = va_arg(more, int*);
    va_end(more);
    sup::shell::Kernel* kernel = in_charge();
    if (kernel == nullptr) ::abort();  // nobody else here makes a process
    return kernel->clone(*static_cast<sup::ChildPlan*>(argument), *pidfd);
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->wait_for(type, id, *info, options);
    return static_cast<int>(real(SYS_waitid, type, id, info, options, nullptr));
}

int kill(pid_t pid, int number) noexcept {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->kill(pid, number);
    return static_cast<int>(real(SYS_kill, pid, number));
}

// No call has more than six arguments. Reading those that were not given does no harm, but AddressSanitizer
// cannot know.
__attribute__((no_sanitize("address"))) long syscall(long number, ...) noexcept {
    va_list more;
    va_start(more, number);
    long arguments[6];
    for (long& argument : arguments) argument = va_arg(more, long);
    va_end(more);
    if (sup::shell::Kernel* kernel = in_charge()) {
        if (number == SYS_pidfd_open) return kernel->open_pidfd(static_cast<pid_t>(arguments[0]));
        if (number == SYS_pidfd_send_signal)
            return kernel->signal_pidfd(static_cast<int>(arguments[0]), static_cast<int>(arguments[1]));
    }
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

int open(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = va_arg(more, mode_t);
    va_end(more);
    return sup::shell::open_somewhere(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    const mode_t mode = va_arg(more, mode_t);
    va_end(more);
    return sup::shell::open_somewhere(path, flags, mode);
}

ssize_t recvmsg(int socket, msghdr* message, int flags) {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->receive(socket, *message, flags);
    return real(SYS_recvmsg, socket, message, flags);
}

ssize_t sendmsg(int socket, const msghdr* message, int flags) {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->send(socket, *message, flags);
    return real(SYS_sendmsg, socket, message, flags);
}

int shutdown(int socket, int how) noexcept {
    if (sup::shell::Kernel* kernel = in_charge()) return kernel->shut_down(socket, how);
    return static_cast<int>(real(SYS_shutdown, socket, how));
}

}  // extern "C"
