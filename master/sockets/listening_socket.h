// A socket that the master holds for its workers: TCP, UDP, unix stream or unix datagram. Closing one loses
// what is in its queue (TCP resets every such connection), so the last generation that holds it decides when
// that happens (shared_ptr). Nothing here calls shutdown(2), which would do the same at once.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"
#include "master/sockets/socket_file.h"
#include "master/sockets/socket_health.h"
#include "master/sockets/socket_queue.h"

namespace sup {

class ListeningSocket {
public:
    // Binds, and listens if it is a stream socket, with everything as configured; close-on-exec. A stale unix
    // socket is replaced. The error starts with "listener NAME: " and says who holds the address (as far as
    // this user may see it), or what to do.
    static Result<std::shared_ptr<const ListeningSocket>> bind(const config::Listen& wanted,
                                                               const SocketAccess& access);

    // The same at an address that overlaps those of `held`. Where clients of those would come to the new one,
    // it is hidden until apply(), so that they are served as before while the reload may still fail. (Without
    // CAP_NET_RAW they wait in its queue instead.)
    static Result<std::shared_ptr<const ListeningSocket>> bind_beside_held(
        const config::Listen& wanted, const std::vector<std::shared_ptr<const ListeningSocket>>& held);

    // Another one at the address of `first`, for `reuseport`. New connections may come to it at once,
    // unless the group is steered.
    static Result<std::shared_ptr<const ListeningSocket>> bind_beside(const config::Listen& wanted,
                                                                      const ListeningSocket& first);

    int fd() const noexcept { return fd_.get(); }
    // Everything ends: once the last worker has closed its copy, new clients are refused at once instead of
    // waiting for nobody. There is no fd() then.
    void let_go() const noexcept { fd_.reset(); }
    // As configured: the port may be 0.
    const config::Address& configured() const noexcept { return configured_; }
    // The same with the real port.
    const config::Address& bound() const noexcept { return bound_; }

    // The file of a unix socket that has a path; null for all others.
    const SocketFile* file() const noexcept { return file_ ? &*file_ : nullptr; }
    // Whether its address still leads to it: the file of a unix socket may have been removed or replaced.
    bool reachable() const { return !file_ || file_->in_place(); }

    // Whether a worker has shut it down. restore() and apply() repair a TCP socket in place; any other kind
    // needs a new socket.
    bool shut_down() const { return fd_ && is_shut_down(fd(), bound_); }
    bool can_listen_again() const { return sup::can_listen_again(bound_); }

    // From now on clients of the port go to the port's other sockets: see socket_cloak.h.
    Status hide() const;
    bool hidden() const noexcept { return hidden_; }
    // Whether clients of `other` would come here as soon as both exist.
    bool takes_clients_of(const ListeningSocket& other) const;

    // Everything as configured, and not hidden. TCP options, owner and group that sup has set and that are
    // no longer configured become what they were before. The error does not name the listener.
    Status apply(const config::Listen& settings, const SocketAccess& access) const;
    // Listener::restore() for one socket: only what workers change.
    Status restore(const config::Listen& settings) const;

    // Whether other sockets may be at its address.
    bool has_reuseport() const;

    // What is waiting to be taken; see queue_of().
    std::optional<SocketQueue> queue() const;
    // Connections waiting to be accepted, for TCP.
    std::size_t queued() const;

    // The current O_NONBLOCK of the open file description that all workers share; false if it cannot be read.
    bool nonblock_now() const;
    Status set_nonblock(bool nonblock) const;

private:
    static Result<std::shared_ptr<const ListeningSocket>> make_ready(std::shared_ptr<ListeningSocket> socket,
                                                                     const config::Listen& wanted,
                                                                     const SocketAccess& access);
    ListeningSocket(UniqueFd fd, const config::Address& configured, std::optional<SocketFile> file);
    Status configure(const config::Listen& settings, const SocketAccess& access) const;
    Status set_tcp_options(const config::Listen& settings, bool unset_others) const;

    mutable UniqueFd fd_;
    mutable bool hidden_ = false;
    config::Address configured_;
    config::Address bound_;
    std::optional<SocketFile> file_;  // removed before the socket closes
    mutable std::array<Original<int>, 3> tcp_options_;
};

}  // namespace sup
