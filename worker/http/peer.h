// Asks the kernel who is at the other end of a socket.
#pragma once

#include "sup/http/peer.h"

namespace sup::http {

// Empty where it does not know, as after a reset.
Peer peer_of(int socket);

}  // namespace sup::http
