// Who is at the other end of a connection.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sup::http {

struct Credentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};

struct Peer {
    // "192.0.2.1", "2001:db8::1", or for a unix socket its path, which is usually empty. IPv4 is shown as
    // such, even if it came in through a listener for both. Empty if it is not known.
    std::string address;
    std::uint16_t port = 0;                  // 0 for unix sockets
    std::optional<Credentials> credentials;  // for unix sockets: those of its process when it connected
};

}  // namespace sup::http
