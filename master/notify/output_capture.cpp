#include "master/notify/output_capture.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include "master/notify/output_pipe.h"

namespace sup {
namespace {

// Others get their turn after this much.
constexpr std::size_t bytes_a_piece = std::size_t{16} * 1024;

// Whatever a worker had written when it exited fits into its pipe.
std::size_t pipe_size(int fd) {
    const int size = ::fcntl(fd, F_GETPIPE_SZ);
    return size > 0 ? static_cast<std::size_t>(size) : bytes_a_piece;
}

}  // namespace

const char* to_string(OutputStream stream) {
    return stream == OutputStream::standard_output ? "stdout" : "stderr";
}

OutputCapture::OutputCapture(OutputTurns& turns, Callbacks callbacks)
    : turns_(turns), callbacks_(std::move(callbacks)) {
    for (Channel& channel : channels_) channel.capture = this;
    channels_[0].stream = OutputStream::standard_output;
    channels_[1].stream = OutputStream::standard_error;
}

OutputCapture::~OutputCapture() {
    for (Channel& channel : channels_) turns_.forget(channel);
}

Result<std::unique_ptr<OutputCapture>> OutputCapture::open(uv_loop_t* loop, OutputTurns& turns,
                                                           std::optional<Owner> owner, Callbacks callbacks,
                                                           std::size_t pipe_bytes) {
    std::unique_ptr<OutputCapture> capture{new OutputCapture(turns, std::move(callbacks))};
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
    auto poll = uv::Poll::create(loop, channel.reader.get(), [this, &channel](int, int) {
        channel.poll.stop();
        turns_.wants_turn(channel);
    });
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

void OutputCapture::set_patient(bool patient) {
    for (Channel& channel : channels_) turns_.set_patient(channel, patient && !finished_);
}

void OutputCapture::finish(std::function<void()> read) {
    set_patient(false);
    finished_ = true;
    on_read_ = std::move(read);
    for (Channel& channel : channels_) {
        if (channel.reader) channel.last_words = pipe_size(channel.reader.get());
    }
    read_last_words();
    report();
}

// Standard error comes last, whole: that is where the reason stands.
void OutputCapture::read_last_words() {
    const auto next = std::ranges::find_if(channels_, [](const Channel& c) { return bool(c.last_words); });
    if (next == channels_.end()) return;
    next->poll.stop();
    turns_.wants_turn(*next);
}

void OutputCapture::finish_now() {
    const auto has_words = [](const Channel& channel) { return channel.last_words.has_value(); };
    for (;;) {
        const auto next = std::ranges::find_if(channels_, has_words);
        if (next == channels_.end()) break;
        read_next(*next);
    }
    report();
}

bool OutputCapture::read_piece(Channel& channel) {
    if (!channel.reader) return false;
    if (read_next(channel)) return true;
    report();
    return false;
}

bool OutputCapture::read_next(Channel& channel) {
    const std::size_t got = read_some(channel);
    const bool emptied = got < bytes_a_piece;
    if (channel.last_words) {
        *channel.last_words -= std::min(*channel.last_words, got);
        if (!emptied && *channel.last_words > 0) return true;
        channel.last_words.reset();
        flush(channel);
        read_last_words();
    }
    if (channel.reader) channel.poll.start(UV_READABLE);
    return false;
}

// As pipe(7) does not say how much fits: the tail of a page that the next write does not fit into stays
// unused. So who could write is asked. Where no descriptor is free it is not known, and nothing is given up;
// without /proc it never is, and no worker is kept waiting for that.
bool OutputCapture::Channel::is_full() const {
    const std::string path = "/proc/self/fd/" + std::to_string(reader.get());
    const UniqueFd writer{::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)};
    if (!writer) return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
    pollfd room{writer.get(), POLLOUT, 0};
    return ::poll(&room, 1, 0) == 0;
}

std::size_t OutputCapture::read_some(Channel& channel) {
    if (!channel.reader) return 0;
    std::array<char, bytes_a_piece> buffer;
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

void OutputCapture::report() {
    const auto any = [&](auto what) { return std::ranges::any_of(channels_, what); };
    if (!finished_ || any([](const Channel& channel) { return channel.last_words.has_value(); })) return;
    if (const auto call = std::exchange(on_read_, nullptr)) call();
    if (any([](const Channel& channel) { return bool(channel.reader); })) return;
    const auto call = std::exchange(callbacks_.on_closed, nullptr);
    if (call) call();  // may destroy this capture
}

}  // namespace sup
