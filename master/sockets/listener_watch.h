// Notices when a worker shuts down a listener that all workers share (shutdown(2); many frameworks' "stop"
// does that). Idle, it costs nothing: arriving clients do not wake it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/sockets/listener.h"

namespace sup {

class ListenerWatch {
public:
    // Once for each hang-up; the socket is then watched again with watch_again().
    using OnShutDown = std::function<void(const std::shared_ptr<const ListeningSocket>& socket)>;
    // An error: there is no epoll descriptor, and nothing is watched.
    static Result<std::unique_ptr<ListenerWatch>> create(uv_loop_t* loop, OnShutDown on_shut_down);

    // Watches these, too, from now on. Sockets that are gone are forgotten.
    void follow(const Listeners& listeners);
    void watch_again(const ListeningSocket& socket);

private:
    ListenerWatch(UniqueFd epoll, OnShutDown on_shut_down);
    void look();

    // An epoll of its own, because libuv sets O_NONBLOCK on what it watches, which workers would see.
    UniqueFd epoll_;
    uv::Poll poll_;  // after it: destroyed first
    OnShutDown on_shut_down_;
    std::uint64_t next_ = 1;
    // By number: the kernel may still report a socket that is gone here but that a worker has.
    std::map<std::uint64_t, std::weak_ptr<const ListeningSocket>> watched_;
};

}  // namespace sup
