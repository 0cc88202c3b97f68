// How much is waiting at a socket to be taken, and how much may wait.
#pragma once

#include <cstdint>
#include <optional>

#include "config/config.h"

namespace sup {

// Connections waiting to be accepted; for UDP, bytes of datagrams, including the kernel's overhead for each.
struct SocketQueue {
    std::uint64_t length;
    std::uint64_t limit;
};

// TCP by TCP_INFO, unix stream sockets by sock_diag(7), UDP by SO_MEMINFO. Nothing for unix datagram sockets,
// whose queue the kernel does not show, and where it does not answer.
std::optional<SocketQueue> queue_of(int fd, const config::Address& address);

}  // namespace sup
