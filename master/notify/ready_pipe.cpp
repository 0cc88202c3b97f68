#include "master/notify/ready_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace sup {

Result<std::unique_ptr<ReadyPipe>> ReadyPipe::open(uv_loop_t* loop, Callbacks callbacks) {
    std::unique_ptr<ReadyPipe> pipe{new ReadyPipe(std::move(callbacks))};
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("pipe for readiness");
    pipe->reader_ = UniqueFd{ends[0]};
    pipe->writer_ = UniqueFd{ends[1]};
    // The ends of a pipe have flags of their own: the worker's stays blocking.
    if (::fcntl(pipe->reader_.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("pipe for readiness");
    auto poll = PacedPoll::create(loop, pipe->reader_.get(), [raw = pipe.get()] { return raw->read_one(); });
    if (!poll) return poll.error();
    pipe->poll_ = std::move(*poll);
    return pipe;
}

// A pipe's capacity at a time (pipe(7)): who writes without end must not keep us here.
void ReadyPipe::drain() {
    constexpr int pieces = 64 * 1024 / 4096;
    for (int i = 0; i < pieces && read_one(); ++i) {
    }
}

// Whatever comes before the newline does not matter, nor what comes after it; but that is read, too, since a
// worker that writes more must neither wait for ever nor get SIGPIPE.
bool ReadyPipe::read_one() {
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
    if (size < 0) return errno == EINTR;
    if (size == 0) {
        ended();
        return false;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    if (bytes.find('\n') != bytes.npos && !std::exchange(done_, true)) callbacks_.ready();
    return true;
}

void ReadyPipe::ended() {
    poll_->stop();
    if (!std::exchange(done_, true))
        callbacks_.trouble("it closed its readiness descriptor without writing a newline");
}

}  // namespace sup
