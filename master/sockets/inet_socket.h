// A bound TCP or UDP socket.
#pragma once

#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"

namespace sup {

enum class Sharing {
    alone,  // an address that no other socket has, though with `reuseport` others may join
    join,   // another socket at an address that this master already holds
};

// Bound, not listening yet. Close-on-exec; IPV6_V6ONLY for literal IPv6 addresses; "*" is one socket for IPv6
// and IPv4, or 0.0.0.0 where the kernel has no IPv6. TCP with SO_REUSEADDR; UDP without, where it would let
// others take datagrams away. The error starts with "listener NAME: " and says who holds the address (as far
// as /proc lets this user see it), or what to do.
Result<UniqueFd> bind_inet_socket(const config::Listen& wanted, Sharing sharing);

// The same at an address that overlaps those of `own`, other sockets of this master ("127.0.0.1:80" beside
// "*:80"): the kernel allows both when all of them have SO_REUSEPORT, even if it is set on one that is
// already bound. An address that another program has as well is refused.
Result<UniqueFd> bind_inet_socket_beside(const config::Listen& wanted, const std::vector<int>& own);

// Binds a socket that may have lost its port to its address again; one that has not is left alone.
Status bind_again(int fd, const config::Listen& wanted);

// Whether this machine has the wanted host now, no matter who has the port. Briefly binds a socket of its
// own, to no particular port, that never listens. The error is bind_inet_socket()'s.
Status check_host(const config::Listen& wanted);

// The real port of a bound socket.
Result<std::uint16_t> bound_port(int fd);

// "listener NAME: ADDRESS WHAT".
Error listener_error(const config::Listen& wanted, const std::string& what);

}  // namespace sup
