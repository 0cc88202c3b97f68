// Who listens on a TCP port, for the error message that says so.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "config/config.h"

namespace sup {

struct PortOwner {
    pid_t pid;
    std::string command;  // the kernel's short name of the process
};

// The processes that hold a listening socket which keeps `address` from being bound, by pid. Empty when there
// is none, or when this user may not look (proc_pid_fd(5)). Reads all of /proc: only for a failure.
std::vector<PortOwner> find_port_owners(const config::TcpAddress& address);

}  // namespace sup
