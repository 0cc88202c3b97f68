// A bound socket that no client finds. With a network interface that does not exist (SO_BINDTOIFINDEX,
// socket(7)) it is passed over when the kernel looks up who gets a connection or a datagram, which then goes
// to the next best socket of the port: the wildcard's instead of the address's own. What is in its queue,
// and handshakes under way, stay.
#pragma once

#include "common/result.h"

namespace sup {

// Needs no privilege.
Status hide_socket(int fd);
// Takes CAP_NET_RAW.
Status show_socket(int fd);
// Whether this process may show what it has hidden. Tries, with a socket of its own.
bool may_show_sockets();

}  // namespace sup
