// A bound, listening TCP socket. Closing one resets every connection in its two queues, so the last
// generation that holds it decides when that happens (shared_ptr). Nothing here calls shutdown(2), which
// would do the same at once.
#pragma once

#include <memory>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"

namespace sup {

class ListeningSocket {
public:
    // Binds and listens: SO_REUSEADDR, close-on-exec, IPV6_V6ONLY for literal IPv6 addresses; "*" is one
    // socket for IPv6 and IPv4, or 0.0.0.0 where the kernel has no IPv6. The error starts with "listener
    // NAME: " and says who holds the address (as far as /proc lets this user see it), or what to do.
    static Result<std::shared_ptr<const ListeningSocket>> bind(const config::Listen& wanted);

    int fd() const noexcept { return fd_.get(); }
    // As configured: the port may be 0.
    const config::TcpAddress& configured() const noexcept { return configured_; }
    // The same with the real port.
    const config::TcpAddress& bound() const noexcept { return bound_; }

private:
    ListeningSocket(UniqueFd fd, config::TcpAddress configured, config::TcpAddress bound);

    UniqueFd fd_;
    config::TcpAddress configured_;
    config::TcpAddress bound_;
};

}  // namespace sup
