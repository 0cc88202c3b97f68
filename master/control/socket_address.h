// The address of a unix socket, with the limit that unix(7) puts on its path.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "common/result.h"

namespace sup::control {

class SocketAddress {
public:
    static Result<SocketAddress> create(const std::string& path) {
        SocketAddress address;
        constexpr std::size_t room = sizeof address.value_.sun_path - 1;
        if (path.size() > room) {
            return Error{"the path " + path + " has " + std::to_string(path.size()) +
                         " bytes; a unix socket's has at most " + std::to_string(room) +
                         ": set SUP_RUNTIME_DIR to a shorter one"};
        }
        address.value_.sun_family = AF_UNIX;
        std::memcpy(address.value_.sun_path, path.c_str(), path.size() + 1);
        return address;
    }

    const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&value_); }
    static constexpr socklen_t size() noexcept { return sizeof(sockaddr_un); }

private:
    sockaddr_un value_{};
};

}  // namespace sup::control
