#include "worker/lifecycle/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// Failures in a row, with no connection between them, after which the next try waits a moment.
constexpr int most_troubled = 64;

}  // namespace

Acceptor::Acceptor(uv_loop_t* loop, UniqueFd listener, std::string name, Balance& balance,
                   Callbacks callbacks)
    : listener_(std::move(listener)),
      name_(std::move(name)),
      callbacks_(std::move(callbacks)),
      queue_(
          loop, listener_.get(), [this] { return accept_one(); },
          [this, &balance] { return callbacks_.full() || balance.above_peers(); }) {}

Status Acceptor::start() {
    // Linux hands these on to each accepted connection, which saves as many system calls for each of them.
    // The second finds clients that have vanished, in the kernel's own time (tcp(7), tcp_keepalive_time).
    const int on = 1;
    ::setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return queue_.start();
}

void Acceptor::leave() {
    queue_.stop();
    listener_.reset();
}

void Acceptor::empty_queue(std::function<void()> done) {
    if (!listener_) return done();
    queue_.empty([this, done = std::move(done)] {
        listener_.reset();
        done();
    });
}

// O_NONBLOCK belongs to the socket that all workers share, and each of them, or the master, may clear it.
// Looking before each accept leaves a window of one system call: cleared in it, with the queue taken empty by
// another worker in the same moment, accept4() waits for the next connection. Nothing is lost by it, this
// worker is only late.
void Acceptor::ensure_nonblocking() {
    const int flags = ::fcntl(listener_.get(), F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK);
}

bool Acceptor::someone_waits() const {
    pollfd state{listener_.get(), POLLIN, 0};
    return ::poll(&state, 1, 0) > 0;
}

// Nothing but the listener's own end stops it for good.
SharedQueue::Taken Acceptor::accept_one() {
    if (!listener_) return SharedQueue::Taken::none_left;  // what came last has made it leave
    if (callbacks_.full()) {
        if (!someone_waits()) return SharedQueue::Taken::none_left;
        if (!callbacks_.make_place()) return SharedQueue::Taken::no_room;
        if (!listener_) return SharedQueue::Taken::none_left;  // what ended has made it leave
    }
    ensure_nonblocking();
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection) {
        troubled_ = 0;
        callbacks_.accepted(std::move(connection));
        return SharedQueue::Taken::one;
    }
    switch (errno) {
        case EAGAIN:
            troubled_ = 0;
            told_ = false;
            return SharedQueue::Taken::none_left;
        case EINVAL:
            // Another process has called shutdown(2) on it, or it never listened. It listens again when
            // somebody who has it calls listen(2), as sup's master does.
            tell_waiting(errno);
            return SharedQueue::Taken::broken;
        case EBADF:
        case ENOTSOCK:
            log_line("listener " + name_ + " can no longer be accepted from: " + std::strerror(errno));
            return SharedQueue::Taken::failed;
        case EINTR:
        case ECONNABORTED:
        case EPROTO:
        case ENETDOWN:
        case ENETUNREACH:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENONET:
        case ENOPROTOOPT:
        case EOPNOTSUPP:
        case ETIMEDOUT:
        case EPERM:
            // This one connection's trouble, which went with it, or a signal (accept(2)): on to the next.
            if (++troubled_ < most_troubled) return SharedQueue::Taken::one;
            troubled_ = 0;
            break;
        default: break;
    }
    tell_waiting(errno);
    return SharedQueue::Taken::no_room;
}

// The connection stays queued in the kernel, where a peer may take it; accepting and closing it would lose
// it.
void Acceptor::tell_waiting(int reason) {
    const bool descriptors = reason == EMFILE || reason == ENFILE;
    if (descriptors) callbacks_.no_descriptor();
    if (std::exchange(told_, true)) return;
    if (reason == EINVAL)
        return log_line(
            "listener " + name_ +
            " accepts no more connections: another process has shut it down (shutdown(2)); trying "
            "again until it listens");
    log_line(
        "listener " + name_ + ": " + std::strerror(reason) + "; connections wait in its queue" +
        (descriptors ? " until descriptors are free (raise the limit of open files)" : "; trying again"));
}

}  // namespace sup::worker
