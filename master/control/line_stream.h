// Lines over a stream socket or pipe, blocking, with a deadline: what the command line reads replies and
// reports with.
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "common/duration.h"
#include "common/result.h"

namespace sup::control {

// None: wait as long as it takes.
using Deadline = std::optional<std::chrono::steady_clock::time_point>;
Deadline deadline_after(std::optional<Duration> timeout);
bool has_passed(const Deadline& deadline);
Deadline earlier(const Deadline& one, const Deadline& other);

// Waits until the descriptor is readable (or writable), hung up or broken. False: the deadline passed.
bool wait_readable(int fd, const Deadline& deadline);
bool wait_writable(int fd, const Deadline& deadline);
// The same for any of several, with what poll(2) says of each.
bool wait_for_any(std::span<pollfd> watched, const Deadline& deadline);

struct EndOfStream {};
struct TimedOut {};

// Splits what comes into lines. Does not own the descriptor. A line that is longer than any answer could be
// is an error, and a peer that keeps writing without ending it is not waited for beyond the deadline.
class LineReader {
public:
    // A line without its newline. What follows the last newline before the end is dropped: nobody finished
    // writing it.
    std::variant<std::string, EndOfStream, TimedOut, Error> next(int fd, const Deadline& deadline);

private:
    static constexpr std::size_t longest = 64 * 1024 * 1024;

    std::string buffer_;
    std::size_t scanned_ = 0;  // no newline before this
};

// Writes all of it, without SIGPIPE on a socket.
std::variant<Success, TimedOut, Error> write_all(int socket, std::string_view bytes,
                                                 const Deadline& deadline);

}  // namespace sup::control
