// Writing where SIGPIPE would end the process: write(2) and sendfile(2) have no MSG_NOSIGNAL, and a program
// may want its signals left alone.
#pragma once

#include <cerrno>
#include <csignal>
#include <ctime>

namespace sup {

// While it lives, a write of this thread into what nobody reads any more is EPIPE, and no signal. One write
// only: errno of the last call says whether there is a signal to be taken back. It is raised for the thread
// that writes (signal(7)), so that other threads keep theirs.
class WithoutBrokenPipe {
public:
    WithoutBrokenPipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~WithoutBrokenPipe() {
        const int error = errno;
        const timespec at_once{};
        if (error == EPIPE && !was_pending_) ::sigtimedwait(&pipe_, nullptr, &at_once);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = error;
    }
    WithoutBrokenPipe(const WithoutBrokenPipe&) = delete;
    WithoutBrokenPipe& operator=(const WithoutBrokenPipe&) = delete;

private:
    sigset_t pipe_{};
    sigset_t before_{};
    bool was_pending_ = false;
};

}  // namespace sup
