// What a generation knows of one of its addresses: a name, a backlog and other settings of a socket that it
// may share with other generations. Immutable; a reload that changes only settings makes a new Listener on
// the same socket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "config/config.h"
#include "master/sockets/listening_socket.h"

namespace sup {

using Sockets = std::vector<std::shared_ptr<const ListeningSocket>>;

class Listener;
using Listeners = std::vector<std::shared_ptr<const Listener>>;

class Listener {
public:
    // One socket; with `reuseport` one for each slot.
    Listener(const config::Listen& settings, const SocketAccess& access, Sockets sockets);
    // New sockets, with everything as configured; with `reuseport` `slots` of them, and clients go to the
    // first before steer_clients() says otherwise.
    // `held` are this master's sockets whose addresses overlap (127.0.0.1:80 and *:80).
    static Result<std::shared_ptr<const Listener>> bind(const config::Listen& settings, std::size_t slots = 1,
                                                        const Sockets& held = {});

    const std::string& name() const noexcept { return settings_.name; }
    // "127.0.0.1:8999", "*:80", "udp:[::1]:53", "unix:/run/x.sock", with the real port.
    const std::string& address() const noexcept { return address_; }
    // "tcp", "udp", "unix" or "unix-dgram".
    std::string kind() const;
    const config::Listen& settings() const noexcept { return settings_; }
    const Sockets& sockets() const noexcept { return sockets_; }
    // The one that this slot's worker gets. Slots that were added later share with the first ones.
    const std::shared_ptr<const ListeningSocket>& socket(std::size_t slot = 0) const noexcept {
        return sockets_[slot % sockets_.size()];
    }
    int fd(std::size_t slot = 0) const noexcept { return socket(slot)->fd(); }
    // Whether one of the first `slots` slots has it.
    bool serves(const std::shared_ptr<const ListeningSocket>& socket, std::size_t slots) const;
    // The first of its sockets that a worker has shut down and that cannot be mended in place; null: none.
    const ListeningSocket* dead_socket() const;
    // Of all its sockets together; nothing where the kernel does not say.
    std::optional<SocketQueue> queue() const;
    // Everything as configured, for the generation that becomes active; what sup had set and is no
    // longer configured is undone. It is also an error if the file of a unix socket is no longer there.
    Status apply() const;
    // Restores what workers change on the shared socket: the backlog, because they call listen() with their
    // own, and, where they are configured, TCP options and O_NONBLOCK. To be called whenever a worker has
    // become ready, and for the active generation after an aborted one. It never clears O_NONBLOCK, which
    // belongs to the open file description: a worker that set it runs an event loop, and would hang in its
    // next accept(). A socket that `active` also has is set as the active generation wants it, since this one
    // may never become active. Errors are those of apply().
    Status restore(const Listeners& active = {}) const;

private:
    Status check_reachable() const;

    config::Listen settings_;
    SocketAccess access_;
    Sockets sockets_;
    std::string address_;
};

// The listeners of a new generation, in the order of `wanted`, all or nothing. `held` are those of every
// generation that is not gone, newest first. An address that is held keeps its socket (a ":0" one when its
// name is the same too), unless somebody has removed or replaced the file of a unix socket; the rest is
// bound. A socket that was kept is not touched until apply(): the reload may still fail. With
// `reuseport` there are `slots` sockets; those of the first slots are kept, and those that are added get no
// clients before steer_clients() says so. Where other programs have joined a group, none are added.
Result<Listeners> acquire_listeners(const std::vector<config::Listen>& wanted, const Listeners& held,
                                    std::size_t slots = 1);

}  // namespace sup
