#include "master/sockets/listener_watch.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace sup {
namespace {

// EPOLLHUP is reported whatever is asked for, and nothing else is. Once only, or a socket that stays shut
// would wake the loop again and again.
epoll_event hang_up_of(std::uint64_t number) {
    epoll_event event{};
    event.events = EPOLLRDHUP | EPOLLONESHOT;
    event.data.u64 = number;
    return event;
}

}  // namespace

ListenerWatch::ListenerWatch(UniqueFd epoll, OnShutDown on_shut_down)
    : epoll_(std::move(epoll)), on_shut_down_(std::move(on_shut_down)) {}

Result<std::unique_ptr<ListenerWatch>> ListenerWatch::create(uv_loop_t* loop, OnShutDown on_shut_down) {
    UniqueFd epoll{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll) return errno_error("epoll_create1");
    std::unique_ptr<ListenerWatch> watch{new ListenerWatch(std::move(epoll), std::move(on_shut_down))};
    auto poll = uv::Poll::create(loop, watch->epoll_.get(), [self = watch.get()](int, int) { self->look(); });
    if (!poll) return poll.error();
    watch->poll_ = std::move(*poll);
    watch->poll_.start(UV_READABLE);
    return watch;
}

void ListenerWatch::follow(const Listeners& listeners) {
    std::erase_if(watched_, [](const auto& entry) { return entry.second.expired(); });
    for (const auto& listener : listeners) {
        for (const auto& socket : listener->sockets()) {
            const bool known = std::ranges::any_of(
                watched_, [&](const auto& entry) { return entry.second.lock() == socket; });
            if (known) continue;
            epoll_event event = hang_up_of(next_);
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket->fd(), &event) == 0)
                watched_.emplace(next_++, socket);
        }
    }
}

void ListenerWatch::watch_again(const ListeningSocket& socket) {
    for (const auto& [number, watched] : watched_) {
        if (watched.lock().get() != &socket) continue;
        epoll_event event = hang_up_of(number);
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.fd(), &event);
    }
}

void ListenerWatch::look() {
    std::array<epoll_event, 16> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const std::uint64_t number = events[static_cast<std::size_t>(i)].data.u64;  // which may be unaligned
        const auto found = watched_.find(number);
        if (found == watched_.end()) continue;
        if (const auto socket = found->second.lock()) on_shut_down_(socket);
    }
}

}  // namespace sup
