// One worker's stdout and stderr, line by line.
#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/notify/last_lines.h"
#include "master/notify/line_splitter.h"
#include "master/notify/output_turns.h"
#include "master/notify/owner.h"

namespace sup {

enum class OutputStream { standard_output, standard_error };
const char* to_string(OutputStream stream);  // "stdout", "stderr"

// Main thread only. Destroying it stops reading; the worker is not disturbed by that. What there is to read
// is read in turns with the output of others.
class OutputCapture {
public:
    struct Callbacks {
        // Safe to print (line_splitter.h). Must not destroy the capture.
        std::function<void(OutputStream, std::string_view line)> on_line;
        // Once, when finish() has ended and nobody holds either pipe any more: the capture has nothing left
        // to do. Comes from the loop, or from within finish(). May destroy the capture.
        std::function<void()> on_closed;
    };
    // `turns` outlives the capture.
    static Result<std::unique_ptr<OutputCapture>> open(uv_loop_t* loop, OutputTurns& turns,
                                                       std::optional<Owner> owner, Callbacks callbacks,
                                                       std::size_t pipe_bytes = std::size_t{1024} * 1024);
    ~OutputCapture();
    OutputCapture(const OutputCapture&) = delete;
    OutputCapture& operator=(const OutputCapture&) = delete;

    // For SpawnRequest; to be closed right after the spawn, because end-of-file comes only when the worker
    // alone has them.
    int worker_end(OutputStream stream) const;
    void close_worker_ends();

    // Whether it may be left unread while the log is full (output_turns.h). At first it may not.
    void set_patient(bool patient);

    // The worker has exited: what it left is read, in turns, and an unfinished line ended; then `read` is
    // called, once, maybe from within finish(). Reading goes on for a descendant that still holds a pipe.
    // `read` must not destroy the capture.
    void finish(std::function<void()> read);

    // After finish(): reads what is left of it at once, a pipe's size at the most. For when the exit must be
    // known before something else. May call on_closed as its last step, which may destroy the capture.
    void finish_now();

    // The newest lines of both streams.
    std::vector<std::string> last_lines() const { return last_lines_.lines(); }

private:
    class Channel final : public OutputSource {
    public:
        OutputCapture* capture = nullptr;
        OutputStream stream{};
        UniqueFd reader;
        UniqueFd worker_end;
        LineSplitter splitter;
        uv::Poll poll;
        // How much of its last words may still come. Bounded, because a descendant may go on writing.
        std::optional<std::size_t> last_words;

        bool read_piece() override { return capture->read_piece(*this); }
        bool is_full() const override;
    };

    OutputCapture(OutputTurns& turns, Callbacks callbacks);
    Status open_channel(uv_loop_t* loop, Channel& channel, std::optional<Owner> owner,
                        std::size_t pipe_bytes);
    void read_last_words();
    bool read_piece(Channel& channel);
    // As read_piece(), but reports nothing: the capture is still there afterwards. For a channel that is open
    // or has last words to come.
    bool read_next(Channel& channel);
    // How many bytes were read; 0 when there is nothing now, or (and then the channel is closed) ever.
    std::size_t read_some(Channel& channel);
    LineSplitter::OnLine line_sink(OutputStream stream);
    void flush(Channel& channel);
    void close(Channel& channel);
    void report();

    OutputTurns& turns_;
    Callbacks callbacks_;
    std::array<Channel, 2> channels_;
    LastLines last_lines_;
    bool finished_ = false;
    std::function<void()> on_read_;
};

}  // namespace sup
