#include "common/unix_message.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sup {
namespace {

constexpr std::size_t control_size =
    CMSG_SPACE(sizeof(int) * max_descriptors_per_message) + CMSG_SPACE(sizeof(ucred));

void collect_control(msghdr& header, UnixMessage& message) {
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level != SOL_SOCKET) continue;
        if (control->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < count; ++i) {
                int fd = -1;
                std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
                message.descriptors.emplace_back(fd);
            }
        } else if (control->cmsg_type == SCM_CREDENTIALS) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(control), sizeof credentials);
            message.sender = credentials.pid;
            message.sender_user = credentials.uid;
        }
    }
}

}  // namespace

Result<std::optional<UnixMessage>> receive_unix_message(int socket, std::span<char> buffer) {
    alignas(cmsghdr) std::array<char, control_size> control{};
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();

    ssize_t size = 0;
    do {
        size = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN) return std::optional<UnixMessage>{};
        return errno_error("recvmsg");
    }
    UnixMessage message;
    message.size = static_cast<std::size_t>(size);
    message.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    message.descriptors_lost = (header.msg_flags & MSG_CTRUNC) != 0;
    collect_control(header, message);
    return std::optional<UnixMessage>{std::move(message)};
}

// For packets the kernel adds up what all of them have (unix_inq_len()).
bool has_queued_bytes(int socket) {
    int bytes = 0;
    return ::ioctl(socket, FIONREAD, &bytes) == 0 && bytes > 0;
}

Result<SendOutcome> send_unix_message(int socket, std::string_view bytes, std::span<const int> descriptors) {
    if (descriptors.size() > max_descriptors_per_message)
        return Error{"too many descriptors for one message"};
    alignas(cmsghdr) std::array<char, control_size> control{};
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    ssize_t size = 0;
    do {
        size = ::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    if (size >= 0) return SendOutcome::sent;
    switch (errno) {
        case EAGAIN: return SendOutcome::would_block;
        case ETOOMANYREFS: return SendOutcome::too_many_fds;
        case EPIPE:
        case ECONNRESET:
        case ECONNREFUSED:
        case ENOTCONN: return SendOutcome::no_receiver;
        default: return errno_error("sendmsg");
    }
}

}  // namespace sup
