#include "master/sockets/socket_cloak.h"

#include <sys/socket.h>

#include <limits>

#include "common/unique_fd.h"

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

namespace sup {
namespace {

// Interfaces are numbered from 1 on.
constexpr int no_interface = std::numeric_limits<int>::max();

Status set_interface(int fd, int index) {
    if (::setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index) == 0) return Success{};
    return errno_error("SO_BINDTOIFINDEX");
}

}  // namespace

Status hide_socket(int fd) {
    return set_interface(fd, no_interface);
}

Status show_socket(int fd) {
    return set_interface(fd, 0);
}

bool may_show_sockets() {
    const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    return fd && hide_socket(fd.get()).ok() && show_socket(fd.get()).ok();
}

}  // namespace sup
