// Who holds an address, for the error message that says so.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace sup {

struct SocketOwner {
    pid_t pid;
    std::string command;  // the kernel's short name of the process
};

// The processes that hold a socket which keeps `address` from being bound, by pid: one that listens (TCP), or
// is bound there. Empty when there is none, or when this user may not look (proc_pid_fd(5)). Reads all of
// /proc: only for a failure.
std::vector<SocketOwner> find_socket_owners(const config::Address& address);
// The same for sockets that are not among `own`, which this master holds there.
std::vector<SocketOwner> find_other_socket_owners(const config::Address& address,
                                                  const std::vector<int>& own);
// The inodes of those among them that are there for certain: what the table shows as "::" may leave IPv4
// alone.
std::vector<std::uint64_t> find_others_that_share(const config::Address& address,
                                                  const std::vector<int>& own);
// The processes that hold one of these sockets.
std::vector<SocketOwner> find_owners_of(const std::vector<std::uint64_t>& inodes);

// The inodes of the TCP or UDP sockets at exactly the address of the first of `own`, without these: of other
// programs that have joined with SO_REUSEPORT, or of workers that bind for themselves.
std::vector<std::uint64_t> find_sockets_beside(const std::vector<int>& own);

// "pid 4711 (nginx)", "pid 4711 (nginx) and 3 more", "another process (only root can see which)".
std::string describe(const std::vector<SocketOwner>& owners);

}  // namespace sup
