#include "worker/http/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>

#include "worker/http/limits.h"
#include "worker/http/poison.h"
#include "worker/http/server_core.h"
#include "worker/lifecycle/inbox_packet.h"
#include "worker/lifecycle/log_line.h"

namespace sup::http {
// The request is often here when its connection is, and then answered at once: a client that wants no more
// than that never enters epoll.
void Connection::open(UniqueFd socket, const std::string& listener) {
    socket_ = std::move(socket);
    listener_ = &listener;
    protocol_.emplace(server_.context(), static_cast<Protocol::Host&>(*this));
    interest_ = 0;
    heads_ = 0;
    lingered_ = 0;
    watched_ = blocked_ = progress_ = broken_ = cut_ = shut_down_ = moved_ = immovable_ = false;
}

bool Connection::watch() {
    const int problem = uv_poll_init(server_.loop(), &poll_, socket_.get());
    if (problem != 0) {
        worker::log_line(std::string("a connection cannot be watched, and is closed: ") +
                         uv_strerror(problem));
        return false;
    }
    poll_.data = this;
    watched_ = true;
    return true;
}

void Connection::begin(std::string_view unconsumed, bool fresh) {
    progress_ = true;
    fresh_ = fresh;
    if (!unconsumed.empty()) protocol_->receive(unconsumed);
    // While idle connections are ended its request may be waiting, and nobody else will answer it.
    if (fresh || (server_.closes_idle() && protocol_->idle())) read();
    settle();
}

void Connection::on_events(uv_poll_t* handle, int status, int events) {
    Connection& connection = *static_cast<Connection*>(handle->data);
    if (connection.interest_ == UV_PRIORITIZED) {
        // A reset or a full hang-up: nobody is there to have the answer. Out-of-band data, the other meaning,
        // is no HTTP, and would be told again and again.
        connection.broken_ = true;
    } else {
        // libuv reports an error as a status; reading tells which it is.
        if (status < 0 || (events & UV_READABLE) != 0) connection.read();
        if ((events & UV_WRITABLE) != 0) connection.blocked_ = false;
    }
    if (status < 0) connection.interest_ = 0;  // libuv has stopped watching
    connection.settle();
}

// So much that what is then held can still travel, should the connection change hands; a head may be longer,
// where that was configured, and stays.
std::size_t Connection::most_to_read() const {
    const std::size_t held = protocol_->unconsumed().size();
    const std::size_t most = server_.scratch().size();
    return held < worker::max_unconsumed ? std::min(most, worker::max_unconsumed - held) : most;
}

void Connection::read() {
    const std::span<char> space = server_.scratch().first(most_to_read());
    const Usable scope(space);
    const ssize_t count = ::recv(socket_.get(), space.data(), space.size(), 0);
    if (count < 0) {
        broken_ = errno != EAGAIN && errno != EINTR;
        return;
    }
    if (shut_down_) {
        const std::size_t before = lingered_;
        lingered_ += static_cast<std::size_t>(count);
        progress_ = progress_ || lingered_ / linger_step != before / linger_step;
        broken_ = count == 0 || lingered_ > linger_limit;
        return;
    }
    progress_ = true;
    fresh_ = false;
    if (count == 0) {
        protocol_->receive_end();
    } else {
        protocol_->receive({space.data(), static_cast<std::size_t>(count)});
    }
}

void Connection::send() {
    while (!blocked_ && !broken_ && !protocol_->output().empty()) {
        const std::string_view pending = protocol_->output();
        const ssize_t count = ::send(socket_.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
        if (count < 0) {
            blocked_ = errno == EAGAIN;
            broken_ = errno != EAGAIN && errno != EINTR;
            continue;
        }
        progress_ = true;
        blocked_ = static_cast<std::size_t>(count) < pending.size();
        protocol_->sent(static_cast<std::size_t>(count));
    }
}

std::size_t Connection::send_now(std::string_view first, std::string_view second, std::string_view third) {
    if (blocked_ || broken_) return 0;
    const auto part = [](std::string_view view) {
        return iovec{const_cast<char*>(view.data()), view.size()};
    };
    std::array<iovec, 3> parts{part(first), part(second), part(third)};
    msghdr header{};
    header.msg_iov = parts.data();
    header.msg_iovlen = parts.size();
    const ssize_t count = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL);
    if (count < 0) {
        blocked_ = errno == EAGAIN;
        broken_ = errno != EAGAIN && errno != EINTR;
        return 0;
    }
    progress_ = true;
    const auto sent = static_cast<std::size_t>(count);
    blocked_ = sent < first.size() + second.size() + third.size();
    return sent;
}

// After anything happened: sends, goes on with what waited for that, and waits for what is now missing.
void Connection::settle() {
    if (!socket_) return;
    send();
    if (!broken_ && protocol_->wants_room()) {
        protocol_->room();
        send();
    }
    if (!broken_ && server_.context().draining && move_on()) return;
    if (!socket_) return;  // it could not be watched again
    if (!broken_ && server_.closes_idle() && !moves_on() && protocol_->idle()) protocol_->close();
    if (broken_) return close();
    if (protocol_->finished()) {
        if (!must_linger()) return close();
        shut_down();
    }
    update_deadline();
    update_interest();
}

bool Connection::moves_on() const {
    return !immovable_ && server_.moves_on(*listener_);
}

bool Connection::moves_now() const {
    return moves_on() && server_.has_room();
}

bool Connection::can_move() const {
    return socket_ && !broken_ && !shut_down_ && protocol_->at_boundary();
}

// Requests that were left for the successor are answered here when it cannot have them now.
bool Connection::move_on() {
    const auto send_it = [this](const worker::InboxPacket& packet) {
        const worker::HandOver outcome = server_.hand_over(packet, socket_.get());
        immovable_ = outcome == worker::HandOver::impossible;
        return outcome == worker::HandOver::done;
    };
    if (moves_now() && can_move() && send_away(send_it)) return true;
    if (!moves_now()) {
        protocol_->stay();
        send();
    }
    return false;
}

bool Connection::put_back() {
    if (!can_move() || !protocol_->idle()) return false;
    return send_away(
        [this](const worker::InboxPacket& packet) { return server_.put_back(packet, socket_.get()); });
}

// Whoever receives the socket may use it at once, so nobody must watch it here any more.
template <typename Send>
bool Connection::send_away(Send send) {
    if (watched_) uv_poll_stop(&poll_);
    interest_ = 0;
    moved_ = send(worker::InboxPacket{*listener_, server_.protocol(), protocol_->unconsumed()});
    if (moved_) {
        close();
    } else {
        update_interest();
    }
    return moved_;
}

worker::Ended Connection::ended() const {
    if (moved_) return worker::Ended::handed_over;
    return cut_ ? worker::Ended::at_deadline : worker::Ended::in_order;
}

bool Connection::must_linger() const {
    if (protocol_->over()) return false;
    char byte = 0;
    return protocol_->linger() || ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

// A close() with unread bytes, or followed by some, resets the connection and may destroy the answer on its
// way. So only our side ends now, and the rest follows when the client has ended its own.
void Connection::shut_down() {
    if (shut_down_) return;
    shut_down_ = true;
    ::shutdown(socket_.get(), SHUT_WR);
}

// close(2) then sends a reset in place of an end (socket(7), SO_LINGER).
void Connection::reset_on_close() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Connection::update_interest() {
    int wanted = 0;
    if (shut_down_ || protocol_->wants_input()) wanted |= UV_READABLE;
    if (!protocol_->output().empty() || protocol_->wants_room()) wanted |= UV_WRITABLE;
    // While a handler takes its time, nothing but the client's going matters. That is told whatever is asked
    // for (epoll_ctl(2)), but libuv does not watch for nothing; UV_DISCONNECT would be told over and over of
    // a client that has only ended its side, and waits for the answer.
    if (wanted == 0) wanted = UV_PRIORITIZED;
    if (watched_ && wanted == interest_) return;
    if (!watched_ && !watch()) return close();
    interest_ = wanted;
    uv_poll_start(&poll_, wanted, on_events);
}

void Connection::update_deadline() {
    Deadlines* queue = nullptr;
    bool restarts = false;
    if (shut_down_) {
        queue = &server_.lingering();
        restarts = progress_;
    } else if (!protocol_->output().empty()) {
        queue = &server_.stalled();
        restarts = progress_;
    } else {
        switch (protocol_->waiting()) {
            case Protocol::Waiting::request:
                queue = fresh_ ? &server_.fresh() : &server_.waiting();
                restarts = progress_;
                break;
            case Protocol::Waiting::head:
                queue = &server_.reading_head();
                restarts = protocol_->heads() != heads_;
                break;
            case Protocol::Waiting::body:
                queue = &server_.stalled();
                restarts = progress_;
                break;
            case Protocol::Waiting::handler:
            case Protocol::Waiting::closing: break;
        }
    }
    progress_ = false;
    heads_ = protocol_->heads();
    if (queue == nullptr) {
        deadline_.cancel();
    } else if (restarts || deadline_.queue() != queue) {
        queue->add(deadline_);
    }
}

void Connection::close() {
    deadline_.cancel();
    const bool unsent = !protocol_->output().empty();
    protocol_->abandon();
    // An end in order would tell the client that it has everything.
    if (!moved_ && (unsent || protocol_->cut_unnoticeably())) reset_on_close();
    if (watched_) {
        // Removes it from epoll, so that the descriptor may go at once.
        uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
            Connection& connection = *static_cast<Connection*>(handle->data);
            connection.server_.recycle(connection);
        });
    }
    socket_.reset();
    server_.closed(*this);
}

void Connection::end_if_idle() {
    if (!socket_ || shut_down_ || !protocol_->idle()) return;
    read();
    if (!broken_ && protocol_->idle()) protocol_->close();
    settle();
}

void Connection::end_at_deadline() {
    if (!socket_) return;
    // A request that is here already is answered still.
    if (!shut_down_ && protocol_->idle()) read();
    cut_ = !protocol_->ending();
    protocol_->close();
    settle();
}

void Connection::time_out() {
    if (shut_down_) return close();
    if (!protocol_->output().empty()) {
        cut_ = true;
        return close();
    }
    if (protocol_->idle()) return end_if_idle();
    protocol_->time_out();
    settle();
}

}  // namespace sup::http
