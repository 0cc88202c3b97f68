// Who listens on a TCP port, for the error message that says so.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sup {

struct PortOwner {
    pid_t pid;
    std::string command;  // the kernel's short name of the process
};

// The processes that hold a listening socket on `port`, by pid. Empty when there is none, or when this user
// may not look (proc_pid_fd(5)). Reads all of /proc: only for a failure.
std::vector<PortOwner> find_port_owners(std::uint16_t port);

}  // namespace sup
