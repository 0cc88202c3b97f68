// What a worker's shutdown(2) does to the socket that all workers share, and what can be done about it.
#pragma once

#include "common/result.h"
#include "config/config.h"

namespace sup {

// Whether somebody has shut the socket down for receiving: TCP does not listen any more (SO_ACCEPTCONN,
// socket(7)), a unix or UDP socket hangs up (poll(2)). One system call.
bool is_shut_down(int fd, const config::Address& address);

// Whether listen_again() can repair it: only TCP. On the others nothing clears the flag.
bool can_listen_again(const config::Address& address);

// Makes a TCP listener that was shut down listen again, on the same descriptor, so for every process that has
// it: connect(2) to AF_UNSPEC clears the shutdown, which new connections would otherwise inherit. A port that
// the kernel had chosen is given up at the shutdown, so it is bound again; another process may have taken it
// in between. `bound` has the real port. Options stay.
Status listen_again(int fd, const config::Listen& settings, const config::Address& bound);

}  // namespace sup
