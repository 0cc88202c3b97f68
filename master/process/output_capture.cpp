#include "master/process/output_capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "master/process/output_pipe.h"

namespace sup {
namespace {

// Other workers get their turn after this much.
constexpr std::size_t bytes_per_wake = std::size_t{16} * 1024;

// Whatever a worker had written when it exited fits into its pipe.
std::size_t pipe_size(int fd) {
    const int size = ::fcntl(fd, F_GETPIPE_SZ);
    return size > 0 ? static_cast<std::size_t>(size) : bytes_per_wake;
}

}  // namespace

const char* to_string(OutputStream stream) {
    return stream == OutputStream::standard_output ? "stdout" : "stderr";
}

OutputCapture::OutputCapture(Callbacks callbacks) : callbacks_(std::move(callbacks)) {
    channels_[0].stream = OutputStream::standard_output;
    channels_[1].stream = OutputStream::standard_error;
}

OutputCapture::~OutputCapture() = default;

Result<std::unique_ptr<OutputCapture>> OutputCapture::open(uv_loop_t* loop, std::optional<Owner> owner,
                                                           Callbacks callbacks, std::size_t pipe_bytes) {
    std::unique_ptr<OutputCapture> capture{new OutputCapture(std::move(callbacks))};
    for (Channel& channel : capture->channels_) {
        const Status opened = capture->open_channel(loop, channel, owner, pipe_bytes);
        if (!opened) return opened.error();
    }
    return capture;
}

Status OutputCapture::open_channel(uv_loop_t* loop, Channel& channel, std::optional<Owner> owner,
                                   std::size_t pipe_bytes) {
    auto pipe = open_output_pipe(owner, pipe_bytes);
    if (!pipe) return pipe.error();
    channel.reader = std::move(pipe->reader);
    channel.worker_end = std::move(pipe->worker_end);
    auto poll =
        uv::Poll::create(loop, channel.reader.get(), [this, &channel](int, int) { read_once(channel); });
    if (!poll) return poll.error();
    channel.poll = std::move(*poll);
    channel.poll.start(UV_READABLE);
    return Success{};
}

int OutputCapture::worker_end(OutputStream stream) const {
    return channels_[stream == OutputStream::standard_output ? 0 : 1].worker_end.get();
}

void OutputCapture::close_worker_ends() {
    for (Channel& channel : channels_) channel.worker_end.reset();
}

void OutputCapture::finish() {
    finished_ = true;
    for (Channel& channel : channels_) {
        if (!channel.reader) continue;
        // Bounded, because a descendant may go on writing.
        std::size_t left = pipe_size(channel.reader.get());
        while (left > 0) {
            const std::size_t got = read_some(channel);
            if (got == 0) break;
            left -= std::min(left, got);
        }
        flush(channel);
    }
    report_if_closed();
}

void OutputCapture::read_once(Channel& channel) {
    read_some(channel);
    report_if_closed();
}

std::size_t OutputCapture::read_some(Channel& channel) {
    if (!channel.reader) return 0;
    std::array<char, bytes_per_wake> buffer;
    ssize_t size = 0;
    do {
        size = ::read(channel.reader.get(), buffer.data(), buffer.size());
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) return 0;
    if (size <= 0) {
        close(channel);
        return 0;
    }
    const auto count = static_cast<std::size_t>(size);
    channel.splitter.feed({buffer.data(), count}, line_sink(channel.stream));
    return count;
}

LineSplitter::OnLine OutputCapture::line_sink(OutputStream stream) {
    return [this, stream](std::string_view line) {
        last_lines_.add(line);
        callbacks_.on_line(stream, line);
    };
}

void OutputCapture::flush(Channel& channel) {
    channel.splitter.flush(line_sink(channel.stream));
}

// A pipe without writers stays readable for ever: reading it again would spin.
void OutputCapture::close(Channel& channel) {
    flush(channel);
    channel.poll = {};
    channel.reader.reset();
}

void OutputCapture::report_if_closed() {
    const bool open =
        std::any_of(channels_.begin(), channels_.end(), [](const Channel& c) { return bool(c.reader); });
    if (open || !finished_) return;
    const auto call = std::exchange(callbacks_.on_closed, nullptr);
    if (call) call();  // may destroy this capture
}

}  // namespace sup
