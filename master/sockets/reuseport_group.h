// The sockets that are bound to one address with SO_REUSEPORT: the kernel spreads new connections, or
// clients' datagrams, over them (socket(7)).
#pragma once

#include <cstdint>
#include <vector>

#include "common/result.h"

namespace sup {

// From now on new connections, or clients' datagrams, go to those sockets of the group of `fd` that are
// `accepting`, by their places in it, the order in which they joined; the rest, and those that join later,
// get none. A client's address and port choose its home among the first `homes` places, and it goes elsewhere
// only while nobody is accepting there. What is in a queue stays there, and handshakes that have begun are
// completed where they began. Something must be accepting. Needs no privilege.
Status steer_clients(int fd, std::uint32_t homes, const std::vector<bool>& accepting);

// Whether the kernel moves the queue of a TCP socket that closes to others of its group
// (net.ipv4.tcp_migrate_req, Linux 5.14).
bool migrates_queues();

}  // namespace sup
