// The socket of one connection, and what is still possible on it.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "common/unique_fd.h"

namespace sup::http {

// Belongs to the loop's thread. Every call may find the socket broken: nothing more comes or leaves then, and
// nothing is worth waiting for.
class Link {
public:
    explicit operator bool() const { return static_cast<bool>(socket_); }
    int socket() const { return socket_.get(); }

    void open(UniqueFd socket);
    void close() { socket_.reset(); }
    UniqueFd release() { return std::move(socket_); }

    // The socket has an error: a reset, most often. The kernel tells that whatever is asked for
    // (epoll_ctl(2)), and goes on telling it.
    void fail() { state_ = State::broken; }
    bool broken() const { return state_ == State::broken; }

    // The send buffer takes no more, until writable() is told.
    bool full() const { return state_ == State::full; }
    void writable();

    // How many bytes came: 0 at the client's end, nothing if there are none now, or the socket is broken.
    std::optional<std::size_t> receive(std::span<char> space);
    // Whether bytes wait that nobody has read.
    bool has_unread() const;
    // How many bytes the kernel has taken. With `more` it may wait for what follows at once (MSG_MORE).
    std::size_t send(std::string_view bytes, bool more = false);
    std::size_t send(std::span<iovec> parts);
    // From a regular file, without a copy (sendfile(2)). 0 also when the file has no such bytes any more: the
    // socket is then neither full nor broken. SIGPIPE is never raised.
    std::size_t send_file(int descriptor, off_t offset, std::size_t most);
    // All that it has taken in this life.
    std::uint64_t sent() const { return sent_; }
    // Of that, what the client's side has acknowledged, as far as the kernel tells: its send buffer may hold
    // more than a slow client takes in a minute. For comparing with later.
    std::int64_t acknowledged() const;

    // Our side ends; the client's may go on.
    void shut_down();
    // close() will send a reset in place of an end (socket(7), SO_LINGER).
    void reset_on_close();

private:
    enum class State : std::uint8_t { open, full, broken };

    std::size_t took(ssize_t count, std::size_t offered);

    UniqueFd socket_;
    State state_ = State::open;
    std::uint64_t sent_ = 0;
};

}  // namespace sup::http
