#include "worker/http/link.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/without_broken_pipe.h"

namespace sup::http {
void Link::open(UniqueFd socket) {
    socket_ = std::move(socket);
    state_ = State::open;
    sent_ = 0;
}

void Link::writable() {
    if (full()) state_ = State::open;
}

std::optional<std::size_t> Link::receive(std::span<char> space) {
    const ssize_t count = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN && errno != EINTR) fail();
    return std::nullopt;
}

bool Link::has_unread() const {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

std::size_t Link::send(std::string_view bytes, bool more) {
    if (state_ != State::open) return 0;
    const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    return took(::send(socket_.get(), bytes.data(), bytes.size(), flags), bytes.size());
}

std::size_t Link::send(std::span<iovec> parts) {
    if (state_ != State::open) return 0;
    std::size_t offered = 0;
    for (const iovec& part : parts) offered += part.iov_len;
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    return took(::sendmsg(socket_.get(), &header, MSG_NOSIGNAL), offered);
}

std::size_t Link::send_file(int descriptor, off_t offset, std::size_t most) {
    if (state_ != State::open) return 0;
    const WithoutBrokenPipe guard;
    const ssize_t count = ::sendfile(socket_.get(), descriptor, &offset, most);
    // Fewer than asked for may be the file's end, or a full buffer: the next call tells.
    return took(count, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
}

std::int64_t Link::acknowledged() const {
    int waiting = 0;
    ::ioctl(socket_.get(), SIOCOUTQ, &waiting);
    return static_cast<std::int64_t>(sent_) - waiting;
}

std::size_t Link::took(ssize_t count, std::size_t offered) {
    if (count < 0) {
        if (errno == EAGAIN) {
            state_ = State::full;
        } else if (errno != EINTR) {
            fail();
        }
        return 0;
    }
    const auto taken = static_cast<std::size_t>(count);
    sent_ += taken;
    if (taken < offered) state_ = State::full;
    return taken;
}

void Link::shut_down() {
    ::shutdown(socket_.get(), SHUT_WR);
}

void Link::reset_on_close() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace sup::http
