#include "worker/lifecycle/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// How many connections one wake may take before the others in the loop have their turn. The listener is
// watched level-triggered, so what is left wakes again.
constexpr int accepts_per_wake = 8;
constexpr int accepts_per_slice = 64;
constexpr Duration retry_delay{100};

}  // namespace

Acceptor::Acceptor(uv_loop_t* loop, UniqueFd listener, std::string name,
                   std::function<void(UniqueFd)> accepted)
    : loop_(loop), listener_(std::move(listener)), name_(std::move(name)), accepted_(std::move(accepted)) {}

Status Acceptor::start() {
    // Linux hands these on to each accepted connection, which saves as many system calls for each of them.
    // The second finds clients that have vanished, in the kernel's own time (tcp(7), tcp_keepalive_time).
    const int on = 1;
    ::setsockopt(listener_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    Result<uv::Poll> poll = uv::Poll::create(loop_, listener_.get(), [this](int, int) { accept_some(); });
    if (!poll) return poll.error();
    poll_ = std::move(*poll);
    poll_.start(UV_READABLE);
    return Success{};
}

void Acceptor::leave() {
    queue_empty_ = nullptr;
    finish();
}

void Acceptor::empty_queue(std::function<void()> done) {
    queue_empty_ = std::move(done);
    poll_ = {};
    if (!listener_) return finish();
    if (!waiting_) accept_all();
}

void Acceptor::accept_some() {
    for (int i = 0; i < accepts_per_wake && listener_; ++i) {
        if (accept_one() != Outcome::accepted) return;
    }
}

// In slices, because each connection may be served as it is taken, and clients may come as fast as that.
void Acceptor::accept_all() {
    for (int i = 0; i < accepts_per_slice; ++i) {
        switch (accept_one()) {
            case Outcome::accepted: break;
            case Outcome::no_descriptor: return;
            case Outcome::none_queued:
            case Outcome::failed: return finish();
        }
    }
    wait(Duration{0});
}

// O_NONBLOCK belongs to the socket that all workers share, and each of them, or the master, may clear it.
// Looking before each accept leaves a window of one system call: cleared in it, with the queue taken empty by
// another worker in the same moment, accept4() waits for the next connection. Nothing is lost by it, this
// worker is only late.
void Acceptor::ensure_nonblocking() {
    const int flags = ::fcntl(listener_.get(), F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK);
}

Acceptor::Outcome Acceptor::accept_one() {
    for (;;) {
        ensure_nonblocking();
        UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (connection) {
            accepted_(std::move(connection));
            return Outcome::accepted;
        }
        switch (errno) {
            case EAGAIN: told_ = false; return Outcome::none_queued;
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM: wait_for_descriptor(errno); return Outcome::no_descriptor;
            case EBADF:
            case EINVAL:
            case ENOTSOCK:
            case EOPNOTSUPP:
                log_line("listener " + name_ + " can no longer be accepted from: " + std::strerror(errno));
                poll_ = {};
                return Outcome::failed;
            case EINTR:
            case ECONNABORTED:
            case EPROTO:
            case ENETDOWN:
            case ENETUNREACH:
            case EHOSTDOWN:
            case EHOSTUNREACH:
            case ENONET:
            case ENOPROTOOPT:
            case ETIMEDOUT: break;  // this one connection's trouble, or a signal (accept(2)): on to the next
            default: wait_for_descriptor(errno); return Outcome::no_descriptor;
        }
    }
}

// The connection stays queued in the kernel, where a peer may take it; accepting and closing it would lose
// it.
void Acceptor::wait_for_descriptor(int reason) {
    if (!told_) {
        log_line(
            "listener " + name_ + ": " + std::strerror(reason) +
            "; connections wait in its queue (where descriptors are wanting, raise the limit of open files)");
    }
    told_ = true;
    if (poll_) poll_.stop();
    wait(retry_delay);
}

void Acceptor::wait(Duration delay) {
    waiting_ = true;
    if (!retry_) retry_ = uv::Timer(loop_, [this] { go_on(); });
    retry_.arm(delay);
}

void Acceptor::descriptor_freed() {
    if (waiting_) retry_.arm(Duration{0});
}

void Acceptor::go_on() {
    waiting_ = false;
    if (queue_empty_) return accept_all();
    accept_some();
    if (!waiting_ && poll_) poll_.start(UV_READABLE);
}

void Acceptor::finish() {
    poll_ = {};
    retry_ = {};
    listener_.reset();
    const auto done = std::exchange(queue_empty_, nullptr);
    if (done) done();
}

}  // namespace sup::worker
