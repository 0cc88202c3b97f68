// How much waits at a socket to be taken, and how much may.
#pragma once

#include <cstdint>
#include <optional>

#include "config/config.h"

namespace sup {

// Connections that wait to be accepted; of UDP, bytes of datagrams with what the kernel keeps of each.
struct SocketQueue {
    std::uint64_t length;
    std::uint64_t limit;
};

// TCP by TCP_INFO, unix stream sockets by sock_diag(7), UDP by SO_MEMINFO. Nothing for unix datagram sockets,
// whose queue the kernel tells nobody, and where the kernel does not answer.
std::optional<SocketQueue> queue_of(int fd, const config::Address& address);

}  // namespace sup
