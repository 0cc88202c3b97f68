// The sockets that are bound to one address with SO_REUSEPORT: the kernel spreads new connections, or
// clients' datagrams, over them (socket(7)).
#pragma once

#include <cstddef>

#include "common/result.h"

namespace sup {

// From now on new connections go to the first `count` sockets of the group that `fd` is in, in the order in
// which they joined it; those that join later get none. What is in the queue of another one stays there, and
// handshakes that have begun are completed. A client's address and port decide, so one that sends datagrams
// stays with one socket. Needs no privilege.
Status steer_to_first(int fd, std::size_t count);

// Whether the kernel moves the queue of a TCP socket that closes to others of its group
// (net.ipv4.tcp_migrate_req, Linux 5.14).
bool migrates_queues();

}  // namespace sup
