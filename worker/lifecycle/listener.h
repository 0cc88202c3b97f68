// The sockets that a worker serves: inherited, or its own when it is run by hand.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "worker/lifecycle/environment.h"

namespace sup::worker {

struct Listener {
    UniqueFd fd;  // close-on-exec
    std::string name;
    std::string address;  // as bound
    bool stream = false;  // accepts connections; otherwise (datagrams, say) it is the user's
};

// Descriptors 3, 4, … of which the environment told. An error names the one that is not open.
Result<std::vector<Listener>> inherited_listeners(const Environment& environment);

// Binds "127.0.0.1:80", "[::1]:80", "localhost:80" or "*:80" and listens.
Result<Listener> listen_on(const std::string& address, std::string name);

// "127.0.0.1:80", "[::1]:80" or "unix:/run/x.sock", as getsockname(2) tells.
std::string local_address(int socket);

}  // namespace sup::worker
