#include "tests/integration/support/endpoint.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

namespace sup::test {

namespace {

UniqueFd connect_to_port(std::uint16_t port, int flags, int& problem, unsigned source) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
    ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof(from));
    sockaddr_in to = from;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    problem = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0 ? 0 : errno;
    return fd;
}

UniqueFd connect_to_path(const std::string& path, int flags, int& problem) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof(to.sun_path) - 1);
    socklen_t size = sizeof(to);
    if (path.starts_with('@')) {  // in the abstract namespace, where the length is part of the name
        to.sun_path[0] = '\0';
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    }
    problem = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), size) == 0 ? 0 : errno;
    return fd;
}

}  // namespace

UniqueFd Endpoint::connect(int flags, int& problem, unsigned source) const {
    return path_.empty() ? connect_to_port(port_, flags, problem, source)
                         : connect_to_path(path_, flags, problem);
}

}  // namespace sup::test
