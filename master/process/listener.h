// What a generation knows of one of its sockets: a name, a backlog and a flag on a socket that it may share
// with other generations. Immutable; a reload that changes only name, backlog or flag makes a new Listener on
// the same socket.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "config/config.h"
#include "master/process/listening_socket.h"

namespace sup {

class Listener {
public:
    Listener(const config::Listen& settings, std::shared_ptr<const ListeningSocket> socket);
    // A new socket, with backlog and flag as configured.
    static Result<std::shared_ptr<const Listener>> bind(const config::Listen& settings);

    const std::string& name() const noexcept { return settings_.name; }
    // "127.0.0.1:8999", "[::1]:80", "*:80", with the real port.
    const std::string& address() const noexcept { return address_; }
    const config::Listen& settings() const noexcept { return settings_; }
    const std::shared_ptr<const ListeningSocket>& socket() const noexcept { return socket_; }
    int fd() const noexcept { return socket_->fd(); }

    // Sets the backlog back, because workers call listen() with their own, and sets O_NONBLOCK where it is
    // configured. To be called whenever a worker became ready, and for the active generation after an aborted
    // one. It never clears O_NONBLOCK: a worker that set it runs an event loop, and would hang in its next
    // accept().
    Status restore() const;
    // restore(), and O_NONBLOCK exactly as configured. Only for a socket that no living worker has.
    Status reset() const;

    // The flag of the shared socket as it is now, whoever set it; false when it cannot be read.
    bool nonblock_now() const;
    Status set_nonblock(bool nonblock) const;

private:
    config::Listen settings_;
    std::shared_ptr<const ListeningSocket> socket_;
    std::string address_;
};

using Listeners = std::vector<std::shared_ptr<const Listener>>;

// The listeners of a new generation, in the order of `wanted`, all or nothing. `held` are those of every
// generation that still lives, newest first. An address that is held keeps its socket (a ":0" one when its
// name is the same too); the rest is bound. A socket that was kept is not touched until restore() or reset():
// the reload may still fail.
Result<Listeners> acquire_listeners(const std::vector<config::Listen>& wanted, const Listeners& held);

}  // namespace sup
