// Which clients wait at a listening socket: a queue that is as long as before may hold others than before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/config.h"

namespace sup {

struct QueueClients {
    // A unique number for each client that is waiting to be accepted; in order. For TCP, of all sockets at
    // the same address.
    std::vector<std::uint64_t> waiting;
    // Those that have closed their end while they waited and cannot be told apart. TCP clients that closed in
    // an orderly way are among `waiting`; those that reset the connection are nowhere.
    std::size_t gave_up = 0;
    // Whether a process holds a connection that was accepted there.
    bool somebody_is_served = false;
};

// Asks the kernel (sock_diag(7)), which looks at every connection of the port: not for every turn of a loop.
// Nothing for datagrams, and where the kernel does not say.
std::optional<QueueClients> clients_of(int fd, const config::Address& address);

}  // namespace sup
