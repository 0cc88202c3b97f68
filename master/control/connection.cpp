#include "master/control/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "master/control/protocol.h"

namespace sup::control {
namespace {

// A client that leaves this much unread gets no further requests of its read.
constexpr std::size_t enough_unread = 256 * 1024;
// Nor one with this many calls that are not done yet.
constexpr int enough_open_calls = 64;
// Requests of one client that are taken in one turn of the loop: others, and the workers, come in between.
constexpr int requests_in_a_turn = 4;

}  // namespace

Connection::Connection(UniqueFd socket, OnLine on_line, OnChange on_change)
    : socket_(std::move(socket)), on_line_(std::move(on_line)), on_change_(std::move(on_change)) {}

Result<std::shared_ptr<Connection>> Connection::create(uv_loop_t* loop, UniqueFd socket, OnLine on_line,
                                                       OnChange on_change) {
    const std::shared_ptr<Connection> connection{
        new Connection(std::move(socket), std::move(on_line), std::move(on_change))};
    auto watch = uv::Poll::create(loop, connection->socket_.get(),
                                  [weak = std::weak_ptr(connection)](int status, int events) {
                                      // On an error both are tried, and say themselves what it is.
                                      if (status < 0) events = UV_READABLE | UV_WRITABLE;
                                      if (const auto self = weak.lock()) self->on_poll(events);
                                  });
    if (!watch) return watch.error();
    connection->watch_ = std::move(*watch);
    connection->watch();
    return connection;
}

void Connection::on_poll(int events) {
    const auto self = shared_from_this();  // whoever is called from here may let go of this connection
    if ((events & UV_WRITABLE) != 0) write_some();
    deliver_lines();  // those that were held back
    if (!may_read()) {
        // Whoever hangs up waits no longer. Out-of-band data, the other meaning of UV_PRIORITIZED, is no
        // request, and would wake the loop again and again.
        broken_ = broken_ || (events & UV_PRIORITIZED) != 0 || hung_up();
    } else if ((events & UV_READABLE) != 0 && !held_back_) {
        read_some();
    }
    watch();
    on_change_(*this);
}

void Connection::look() {
    on_poll(UV_READABLE);
}

void Connection::read_some() {
    std::array<char, 16 * 1024> chunk{};
    const ssize_t size = ::read(socket_.get(), chunk.data(), chunk.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size > 0) {
        input_.append(chunk.data(), static_cast<std::size_t>(size));
        deliver_lines();
        return;
    }
    end_of_input_ = true;
    broken_ = broken_ || size < 0 || hung_up();
}

void Connection::deliver_lines() {
    std::size_t begin = 0;
    int taken = 0;
    held_back_ = false;
    while (may_read() && taken++ < requests_in_a_turn) {
        const auto newline = input_.find('\n', begin);
        const std::string_view rest = std::string_view(input_).substr(begin);
        if (newline == std::string::npos) {
            if (rest.size() <= max_request_bytes) break;
            // Where the next request begins cannot be told any more.
            end_of_input_ = true;
            on_line_(*this, rest);
            input_.clear();
            return;
        }
        on_line_(*this, rest.substr(0, newline - begin));
        begin = newline + 1;
    }
    input_.erase(0, begin);
    held_back_ = may_read() ? input_.find('\n') != std::string::npos : !input_.empty();
}

bool Connection::may_read() const noexcept {
    return !broken_ && !end_of_input_ && unread_bytes() < enough_unread && open_calls_ < enough_open_calls;
}

// Altogether; one that only finished sending (shutdown(2), as `nc -N` does) still wants its answers.
bool Connection::hung_up() const noexcept {
    pollfd socket{socket_.get(), 0, 0};
    return ::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

void Connection::begin_call(bool answered) {
    ++open_calls_;
    if (answered) ++waiting_;
}

void Connection::end_call(bool answered) {
    --open_calls_;
    if (answered) --waiting_;
    watch();
}

void Connection::send(std::string_view line) {
    if (broken_) return;
    output_.append(line);
    write_some();
    watch();
}

void Connection::write_some() {
    while (!broken_ && unread_bytes() > 0) {
        const std::string_view rest = std::string_view(output_).substr(written_);
        const ssize_t size = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size >= 0) {
            written_ += static_cast<std::size_t>(size);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            broken_ = true;
        }
    }
    if (unread_bytes() == 0 || written_ > enough_unread) {
        output_.erase(0, written_);
        written_ = 0;
    }
}

void Connection::flush(const Deadline& deadline) {
    while (!broken_ && unread_bytes() > 0 && wait_writable(socket_.get(), deadline)) write_some();
}

void Connection::drop() {
    broken_ = true;
    watch();
}

void Connection::watch() {
    if (!watch_) return;
    if (broken_) return watch_.stop();
    int events = 0;
    if (may_read() && !held_back_) events |= UV_READABLE;
    // Lines that were held back are taken from the loop, never from within the answer that made room for
    // them.
    if (unread_bytes() > 0 || (may_read() && held_back_)) events |= UV_WRITABLE;
    // epoll_ctl(2): a hang-up is told whatever is asked for, but libuv does not watch for nothing.
    // UV_DISCONNECT would be told over and over of a client that only finished sending.
    if (events == 0) events = UV_PRIORITIZED;
    watch_.start(events);
}

bool Connection::ended() const noexcept {
    return broken_ || (end_of_input_ && unread_bytes() == 0 && !wants_events());
}

}  // namespace sup::control
