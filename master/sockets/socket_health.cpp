#include "master/sockets/socket_health.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "master/sockets/inet_socket.h"

namespace sup {

bool can_listen_again(const config::Address& address) {
    return address.inet() != nullptr && address.transport == config::Transport::stream;
}

bool is_shut_down(int fd, const config::Address& address) {
    if (can_listen_again(address)) {
        int listens = 1;
        socklen_t size = sizeof listens;
        return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 0;
    }
    pollfd socket{fd, POLLRDHUP, 0};
    return ::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLRDHUP)) != 0;
}

Status listen_again(int fd, const config::Listen& settings, const config::Address& bound) {
    const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
    if (::connect(fd, &nobody, sizeof nobody) != 0) return errno_error("connect to AF_UNSPEC");
    config::Listen same = settings;
    same.address = bound;
    if (Status again = bind_again(fd, same); !again) return again;
    if (::listen(fd, settings.backlog) != 0) return errno_error("listen");
    return Success{};
}

}  // namespace sup
