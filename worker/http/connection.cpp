#include "worker/http/connection.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "common/wire.h"
#include "worker/http/limits.h"
#include "worker/http/poison.h"
#include "worker/http/server_core.h"
#include "worker/lifecycle/inbox_packet.h"
#include "worker/lifecycle/log_line.h"

namespace sup::http {
void Connection::open(UniqueFd socket, const std::string& listener, worker::From from) {
    link_.open(std::move(socket));
    life_ = Life::serving;
    ended_ = worker::Ended::in_order;
    from_ = from;
    immovable_ = false;
    listener_ = &listener;
    protocol_.emplace(server_.context(), static_cast<Protocol::Host&>(*this));
    done_ = 0;
    lingered_ = 0;
}

void Connection::reset() {
    protocol_.reset();
    interest_.reset();
}

bool Connection::watch() {
    const int problem = uv_poll_init(server_.loop(), &poll_, link_.socket());
    if (problem != 0) {
        worker::log_line(std::string("a connection cannot be watched, and is closed: ") +
                         uv_strerror(problem));
        return false;
    }
    poll_.data = this;
    interest_ = 0;
    return true;
}

// The request is often here when its connection is, and then answered at once: a client that wants no more
// than that never enters epoll. From a peer a connection is idle, or its bytes came with it.
void Connection::begin(std::string_view unconsumed) {
    if (!unconsumed.empty()) protocol_->receive(unconsumed);
    // While idle connections are ended its request may be waiting, and nobody else will answer it.
    if (fresh() || (server_.closes_idle() && protocol_->idle())) read();
    settle();
}

// From a listener, and no request was begun on it yet.
bool Connection::fresh() const {
    return from_ == worker::From::listener && protocol_->heads() == 0;
}

void Connection::on_events(uv_poll_t* handle, int status, int events) {
    Connection& connection = *static_cast<Connection*>(handle->data);
    // An error of the socket (libuv's way to tell of EPOLLERR; it has stopped watching). Reading does not
    // tell it any more once the client's end was read, and would find that end again and again.
    if (status < 0) {
        connection.interest_ = 0;
        connection.link_.fail();
    }
    // A reset or a full hang-up: nobody is there to receive the answer. Out-of-band data, the other meaning,
    // is not HTTP, and would be reported again and again.
    if (connection.interest_ == UV_PRIORITIZED) connection.link_.fail();
    if ((events & UV_READABLE) != 0) connection.read();
    if ((events & UV_WRITABLE) != 0) connection.link_.writable();
    connection.settle();
}

// So much that what is then held can still travel, should the connection change hands; a head may be longer,
// where that was configured, and stays.
std::size_t Connection::most_to_read() const {
    const std::size_t held = protocol_->unconsumed().size();
    const std::size_t most = server_.scratch().size();
    return held < wire::max_unconsumed ? std::min(most, wire::max_unconsumed - held) : most;
}

void Connection::read() {
    const std::span<char> space = server_.scratch().first(most_to_read());
    const Usable scope(space);
    const std::optional<std::size_t> count = link_.receive(space);
    if (!count) return;
    if (life_ == Life::lingering) return read_away(*count);
    if (*count == 0) return protocol_->receive_end();
    protocol_->receive({space.data(), *count});
}

// What comes after our end no longer has a meaning.
void Connection::read_away(std::size_t count) {
    lingered_ += count;
    if (count == 0 || lingered_ > linger_limit) link_.fail();  // nothing is left to wait for
}

void Connection::send() {
    const bool file = protocol_->file() != nullptr;
    while (!link_.full() && !link_.broken() && !protocol_->output().empty()) {
        protocol_->sent(link_.send(protocol_->output(), file));
    }
    if (file && protocol_->output().empty()) send_file();
}

// No more in one go than leaves others their turn; the rest follows as soon as the loop comes round.
void Connection::send_file() {
    std::size_t most_now = file_turn;
    while (!link_.full() && !link_.broken() && protocol_->file() != nullptr && most_now > 0) {
        const Output::File& file = *protocol_->file();
        const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(file.left, most_now));
        const std::size_t count = link_.send_file(file.descriptor.get(), file.offset, most);
        if (count == 0 && !link_.full() && !link_.broken()) {
            worker::log_line("a file became shorter while it was sent: the answer lacks its last " +
                             std::to_string(file.left) + " bytes, and is cut");
            protocol_->close();
            return link_.fail();
        }
        most_now -= count;
        protocol_->file_sent(count);
    }
}

std::size_t Connection::send_now(std::string_view first, std::string_view second, std::string_view third) {
    const auto part = [](std::string_view view) {
        return iovec{const_cast<char*>(view.data()), view.size()};
    };
    std::array<iovec, 3> parts{part(first), part(second), part(third)};
    return link_.send(parts);
}

// After anything happened: goes on with what a handler did, sends, goes on with what waited for that, and
// waits for what is now missing.
void Connection::settle() {
    if (life_ == Life::over) return;
    if (turn != not_in_turn) {
        server_.unschedule(*this);
        if (!link_.broken()) protocol_->go_on();
    }
    send();
    if (!link_.broken() && protocol_->wants_room()) {
        protocol_->room();
        send();
    }
    if (server_.context().draining && move_on()) return;
    if (life_ == Life::over) return;  // it could not be watched again
    if (server_.closes_idle() && !moves_on() && protocol_->idle()) protocol_->close();
    if (link_.broken()) return close();
    if (protocol_->upgraded() && !protocol_->has_output()) return hand_to_new_owner();
    if (life_ == Life::serving && protocol_->finished()) {
        if (!must_linger()) return close();
        linger();
    }
    update_deadline();
    server_.watch_memory();
    update_interest();
}

bool Connection::moves_on() const {
    return !immovable_ && server_.moves_on(*listener_);
}

bool Connection::moves_now() const {
    return moves_on() && server_.has_room();
}

bool Connection::can_move() const {
    return life_ == Life::serving && !link_.broken() && protocol_->at_boundary();
}

// Requests that were left for the successor are answered here when it cannot have them now.
bool Connection::move_on() {
    if (link_.broken()) return false;
    const auto send_it = [this](const worker::InboxPacket& packet) {
        const worker::HandOver outcome = server_.hand_over(packet, link_.socket());
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

void Connection::schedule() {
    if (turn == not_in_turn) server_.schedule(*this);
}

void Connection::tell_drain() {
    if (life_ != Life::serving) return;
    protocol_->go_on();
    settle();
}

void Connection::flush() {
    if (life_ != Life::over) send();
}

bool Connection::put_back() {
    if (!can_move() || !protocol_->idle()) return false;
    return send_away(
        [this](const worker::InboxPacket& packet) { return server_.put_back(packet, link_.socket()); });
}

// Whoever receives the socket may use it at once, so nobody must watch it here any more.
template <typename Send>
bool Connection::send_away(Send send) {
    if (interest_) {
        uv_poll_stop(&poll_);
        interest_ = 0;
    }
    if (!send(worker::InboxPacket{*listener_, server_.protocol(), protocol_->unconsumed()})) {
        update_interest();
        return false;
    }
    ended_ = worker::Ended::handed_over;
    close();
    return true;
}

bool Connection::must_linger() const {
    return !protocol_->over() && (protocol_->linger() || link_.has_unread());
}

// A close() with unread bytes, or followed by some, resets the connection and may destroy the answer on its
// way. So only our side ends now, and the rest follows when the client has ended its own.
void Connection::linger() {
    life_ = Life::lingering;
    link_.shut_down();
    server_.lingers();
}

int Connection::wanted_events() const {
    int wanted = 0;
    if (life_ == Life::lingering || protocol_->wants_input()) wanted |= UV_READABLE;
    if (protocol_->has_output() || protocol_->wants_room()) wanted |= UV_WRITABLE;
    // While a handler takes its time, nothing but the client's going matters. That is told whatever is asked
    // for (epoll_ctl(2)), but libuv does not watch for nothing; UV_DISCONNECT would be told over and over of
    // a client that has only ended its side, and waits for the answer.
    return wanted == 0 ? UV_PRIORITIZED : wanted;
}

void Connection::update_interest() {
    const int wanted = wanted_events();
    if (interest_ == wanted) return;
    if (!interest_ && !watch()) return close();
    interest_ = wanted;
    uv_poll_start(&poll_, wanted, on_events);
}

// Each wait that depends on the client ends at a deadline, or by an event that the kernel reports. Only a
// handler may take as long as it likes.
Connection::Wait Connection::wait() const {
    if (life_ == Life::lingering) return {&server_.lingering(), lingered_, linger_step};
    if (protocol_->has_output()) return {&server_.stalled(), link_.sent(), server_.stall_quota()};
    switch (protocol_->waiting()) {
        case Protocol::Waiting::request:
            return {fresh() ? &server_.fresh() : &server_.waiting(), protocol_->heads()};
        case Protocol::Waiting::head: return {&server_.reading_head(), protocol_->heads()};
        case Protocol::Waiting::body:
            return {&server_.reading_body(), protocol_->body_bytes(), server_.stall_quota()};
        case Protocol::Waiting::handler:
        case Protocol::Waiting::closing: break;
    }
    return {};
}

void Connection::update_deadline() {
    const Wait now = wait();
    if (now.queue == nullptr) return deadline_.cancel();
    if (deadline_.queue() == now.queue && now.done - done_ < now.quota) return;
    set_deadline(now);
}

void Connection::set_deadline(const Wait& wait) {
    done_ = wait.done;
    if (wait.queue == &server_.stalled()) acknowledged_ = link_.acknowledged();
    wait.queue->add(deadline_);
}

// The socket took nothing in all that time, but the client did of what the kernel had.
bool Connection::takes_its_answer() {
    const std::int64_t taken = link_.acknowledged() - acknowledged_;
    return taken >= static_cast<std::int64_t>(server_.stall_quota()) && !server_.stalled().shortened();
}

bool Connection::has_stalled_for(Duration time) {
    if (server_.stalled().waited(deadline_) < time) return false;
    if (!takes_its_answer()) return true;
    set_deadline(wait());
    return false;
}

void Connection::close(Protocol::Doing whose) {
    deadline_.cancel();
    const bool unsent = protocol_->has_output();
    protocol_->abandon(whose);
    // A clean end would tell the client that it has everything.
    const bool moved = ended_ == worker::Ended::handed_over;
    if (!moved && (unsent || protocol_->cut_unnoticeably())) link_.reset_on_close();
    unwatch();
    link_.close();
    life_ = Life::over;
    server_.closed(*this);
}

// Removes the socket from epoll, so that it may be closed at once, or watched by another worker.
void Connection::unwatch() {
    if (!interest_) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
        Connection& connection = *static_cast<Connection*>(handle->data);
        connection.server_.recycle(connection);
    });
}

// It counts there before it no longer does here: a worker that drains must not take it for the last one.
void Connection::hand_to_new_owner() {
    const Takeover takeover = protocol_->take_over();
    std::string unread(protocol_->unconsumed());
    deadline_.cancel();
    protocol_->abandon(Protocol::Doing::ours);
    unwatch();
    life_ = Life::over;
    ended_ = worker::Ended::upgraded;
    takeover(link_.release(), *listener_, std::move(unread));
    server_.closed(*this);
}

bool Connection::end_if_idle() {
    if (life_ != Life::serving || !protocol_->idle()) return false;
    read();
    if (!link_.broken() && protocol_->idle()) protocol_->close();
    settle();
    return life_ != Life::serving;
}

void Connection::end_at_deadline() {
    if (turn != not_in_turn) settle();
    if (life_ == Life::over) return;
    // A request that is here already is answered still.
    if (life_ == Life::serving && protocol_->idle()) read();
    if (!protocol_->ending()) ended_ = worker::Ended::at_deadline;
    protocol_->close();
    settle();
}

void Connection::time_out() {
    if (turn != not_in_turn) return settle();  // it was answered in the last moment
    if (life_ == Life::lingering) return close();
    if (protocol_->has_output())
        return takes_its_answer() ? set_deadline(wait()) : give_up(Protocol::Doing::the_clients);
    if (protocol_->idle()) {
        end_if_idle();
        return;
    }
    protocol_->time_out();
    settle();
}

void Connection::give_up(Protocol::Doing whose) {
    ended_ = worker::Ended::at_deadline;
    close(whose);
}

}  // namespace sup::http
