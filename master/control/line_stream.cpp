#include "master/control/line_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

namespace sup::control {
namespace {

// Milliseconds for poll(2), rounded up, so that a deadline is never seen early; -1 without one.
int poll_timeout(const Deadline& deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, INT_MAX));
}

bool wait_for(int fd, short events, const Deadline& deadline) {
    pollfd watched{fd, events, 0};
    return wait_for_any({&watched, 1}, deadline);
}

}  // namespace

Deadline deadline_after(std::optional<Duration> timeout) {
    if (!timeout) return std::nullopt;
    return std::chrono::steady_clock::now() + *timeout;
}

bool has_passed(const Deadline& deadline) {
    return deadline && *deadline <= std::chrono::steady_clock::now();
}

Deadline earlier(const Deadline& one, const Deadline& other) {
    if (!one || !other) return one ? one : other;
    return std::min(*one, *other);
}

bool wait_for_any(std::span<pollfd> watched, const Deadline& deadline) {
    while (true) {
        const int timeout = poll_timeout(deadline);
        const int ready = ::poll(watched.data(), watched.size(), timeout);
        if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
        if (ready == 0 && timeout != INT_MAX) return false;
    }
}

bool wait_readable(int fd, const Deadline& deadline) {
    return wait_for(fd, POLLIN, deadline);
}

bool wait_writable(int fd, const Deadline& deadline) {
    return wait_for(fd, POLLOUT, deadline);
}

std::variant<std::string, EndOfStream, TimedOut, Error> LineReader::next(int fd, const Deadline& deadline) {
    std::array<char, 16 * 1024> chunk{};
    while (true) {
        const auto newline = buffer_.find('\n', scanned_);
        if (newline != std::string::npos) {
            std::string line = buffer_.substr(0, newline);
            buffer_.erase(0, newline + 1);
            scanned_ = 0;
            return line;
        }
        scanned_ = buffer_.size();
        if (!wait_readable(fd, deadline)) return TimedOut{};
        const ssize_t size = ::read(fd, chunk.data(), chunk.size());
        if (size == 0 || (size < 0 && errno == ECONNRESET)) return EndOfStream{};
        if (size < 0 && errno != EINTR && errno != EAGAIN) return errno_error("cannot read");
        if (size > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(size));
        if (buffer_.size() > longest) return Error{"the answer is too long: a line without an end"};
        if (has_passed(deadline) && buffer_.find('\n', scanned_) == std::string::npos) return TimedOut{};
    }
}

std::variant<Success, TimedOut, Error> write_all(int socket, std::string_view bytes,
                                                 const Deadline& deadline) {
    while (!bytes.empty()) {
        const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(size));
        } else if (errno == EAGAIN) {
            if (!wait_writable(socket, deadline)) return TimedOut{};
        } else if (errno != EINTR) {
            return errno_error("cannot write");
        }
    }
    return Success{};
}

}  // namespace sup::control
