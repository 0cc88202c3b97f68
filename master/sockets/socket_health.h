// What a worker's shutdown(2) does to the socket that everybody shares, and what can be done about it.
#pragma once

#include "common/result.h"
#include "config/config.h"

namespace sup {

// Whether somebody has shut the socket down for receiving: TCP does not listen any more (SO_ACCEPTCONN,
// socket(7)), a unix or UDP socket hangs up (poll(2)). One system call.
bool is_shut_down(int fd, const config::Address& address);

// Whether listen_again() can mend it: TCP. Of the others nothing takes the flag back.
bool can_listen_again(const config::Address& address);

// A TCP listener that was shut down listens again, on the same descriptor, so for all who have it: connect(2)
// to AF_UNSPEC takes back what shutdown(2) has left, without which connections are born shut. A port that the
// kernel had chosen is given up at the shutdown, so it is bound once more; in between somebody else may have
// taken it. `bound` has the real port. Options stay.
Status listen_again(int fd, const config::Listen& settings, const config::Address& bound);

}  // namespace sup
