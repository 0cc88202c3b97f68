#include "tests/bench/load/client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

namespace sup::bench {

Outcome Client::begin(const Surroundings& around, std::uint32_t identity) noexcept {
    sent_ = 0;
    answered_at_.reset();
    reader_.begin(around.expected_body);
    if (phase_ == Phase::disconnected) return connect(around, identity);
    phase_ = Phase::sending;
    return send_rest(around);
}

Outcome Client::connect(const Surroundings& around, std::uint32_t identity) noexcept {
    socket_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_) return fail_to_connect(errno);
    const int yes = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const auto* address = reinterpret_cast<const sockaddr*>(around.server);
    if (::connect(socket_.get(), address, sizeof *around.server) < 0 && errno != EINPROGRESS) {
        return fail_to_connect(errno);
    }
    epoll_event interest{};
    interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    interest.data.u32 = identity;
    if (::epoll_ctl(around.epoll, EPOLL_CTL_ADD, socket_.get(), &interest) < 0) return fail_to_connect(errno);
    phase_ = Phase::connecting;
    return {};
}

Outcome Client::fail_to_connect(int error_number) noexcept {
    disconnect();
    Outcome outcome;
    outcome.failure = error_number == ECONNREFUSED ? Failure::refused
                      : error_number == ECONNRESET ? Failure::reset
                                                   : Failure::connect;
    return outcome;
}

Outcome Client::send_rest(const Surroundings& around) noexcept {
    while (sent_ < around.request.size()) {
        const std::string_view rest = around.request.substr(sent_);
        const ssize_t n = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return {};
            Outcome outcome;
            on_closed(errno, outcome);
            return outcome;
        }
        sent_ += static_cast<std::size_t>(n);
    }
    phase_ = Phase::receiving;
    return {};
}

Outcome Client::on_ready(const Surroundings& around, std::uint32_t events) noexcept {
    if (phase_ == Phase::disconnected) return {};
    const bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;
    if (phase_ == Phase::connecting) {
        int error_number = 0;
        socklen_t size = sizeof error_number;
        if (broken) ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error_number, &size);
        if (error_number != 0) return fail_to_connect(error_number);
        if ((events & EPOLLOUT) == 0) return {};
        around.tally->connected();
        phase_ = Phase::sending;
    }
    if (phase_ == Phase::sending && (events & EPOLLOUT) != 0) {
        const Outcome outcome = send_rest(around);
        if (outcome.request_is_over()) return outcome;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP)) == 0 && !broken) return {};
    return receive(around, broken || (events & EPOLLRDHUP) != 0);
}

// A short read has emptied the socket (epoll(7)), so it ends the loop, unless the end of the stream is known
// to follow.
Outcome Client::receive(const Surroundings& around, bool until_closed) noexcept {
    Outcome outcome;
    while (phase_ != Phase::disconnected) {
        const ssize_t n = ::recv(socket_.get(), around.buffer.data(), around.buffer.size(), 0);
        if (n > 0) {
            const auto size = static_cast<std::size_t>(n);
            on_bytes(around, {around.buffer.data(), size}, outcome);
            if (size < around.buffer.size() && !until_closed) break;
        } else if (n == 0) {
            on_closed(0, outcome);
        } else if (errno != EINTR) {
            if (errno == EAGAIN) break;
            on_closed(errno, outcome);
        }
    }
    return outcome;
}

void Client::on_bytes(const Surroundings& around, std::string_view bytes, Outcome& outcome) noexcept {
    const bool expected = phase_ == Phase::sending || phase_ == Phase::receiving;
    std::size_t used = 0;
    if (expected) {
        used = reader_.feed(bytes);
        if (reader_.state() == AnswerReader::State::malformed) {
            outcome.failure = Failure::malformed;
            return disconnect();
        }
        if (reader_.state() == AnswerReader::State::complete) on_answer(around, outcome);
    }
    if (used == bytes.size() || phase_ == Phase::disconnected) return;
    // Nobody asked for this, for instance the 408 with which some servers end an idle connection.
    if (!outcome.request_is_over())
        outcome.closing = Closing::idle;
    else
        outcome.failure = Failure::malformed;
    disconnect();
}

void Client::on_answer(const Surroundings& around, Outcome& outcome) noexcept {
    const Time now = Clock::now();
    if (reader_.status() != 200)
        outcome.failure = Failure::wrong_status;
    else if (!reader_.body_is_as_expected())
        outcome.failure = Failure::wrong_body;
    if (around.fresh && !outcome.failure) {
        answered_at_ = now;
        phase_ = Phase::closing;
        return;
    }
    outcome.answered = now;
    phase_ = Phase::open;
    if (!around.fresh && !reader_.announces_close()) return;
    if (!around.fresh) outcome.closing = Closing::announced;
    disconnect();
}

void Client::on_closed(int error_number, Outcome& outcome) noexcept {
    const Phase phase = phase_;
    disconnect();
    if (phase == Phase::open) {
        outcome.closing = Closing::idle;
        return;
    }
    if (phase == Phase::closing) {  // a reset behind a complete answer is as good as an end
        outcome.answered = answered_at_;
        return;
    }
    if (error_number == 0) reader_.end_of_file();
    if (reader_.state() == AnswerReader::State::complete) {
        outcome.answered = Clock::now();
        if (reader_.status() != 200) outcome.failure = Failure::wrong_status;
        return;
    }
    outcome.closing = Closing::with_request;
    outcome.failure = error_number != 0   ? Failure::reset
                      : reader_.started() ? Failure::closed_within_answer
                                          : Failure::closed_before_answer;
}

Outcome Client::give_up() noexcept {
    Outcome outcome;
    outcome.failure = phase_ == Phase::closing ? Failure::not_closed : Failure::timeout;
    disconnect();
    return outcome;
}

// Closing the descriptor takes it out of the epoll set, because nobody else holds it.
void Client::disconnect() noexcept {
    socket_.reset();
    phase_ = Phase::disconnected;
}

}  // namespace sup::bench
