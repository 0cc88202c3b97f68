#include "master/process/ready_pipe.h"

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
    auto poll = uv::Poll::create(loop, pipe->reader_.get(), [raw = pipe.get()](int, int) { raw->drain(); });
    if (!poll) return poll.error();
    pipe->poll_ = std::move(*poll);
    pipe->poll_.start(UV_READABLE);
    return pipe;
}

// Whatever comes before the newline does not matter, nor what comes after it.
void ReadyPipe::drain() {
    std::array<char, 512> buffer{};
    while (!done_) {
        const ssize_t size = ::read(reader_.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
        if (size > 0 && bytes.find('\n') == bytes.npos) continue;
        done_ = true;
        poll_.stop();
        if (size > 0) {
            callbacks_.ready();
        } else {
            callbacks_.trouble("it closed its descriptor for readiness without a newline");
        }
    }
}

}  // namespace sup
