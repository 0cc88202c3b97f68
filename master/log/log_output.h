// How the lines of a log are written: in order, whole, in few writes, and without waiting for the reader.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/duration.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/log/log_queue.h"
#include "master/log/log_target.h"
#include "master/runtime/log_file.h"

namespace sup {

// How long a file may become, and how many older ones are kept beside it.
struct LogBounds {
    std::uint64_t max_bytes = 0;  // 0: any length
    std::uint32_t keep = 1;

    friend bool operator==(const LogBounds&, const LogBounds&) = default;
};

// A place for a log, already open.
struct LogDestination {
    std::string file;  // empty: standard error
    LogBounds bounds;
    OpenLog open;

    static Result<LogDestination> prepare(const std::string& file, LogBounds bounds);
};

// Main thread only.
class LogOutput {
public:
    // A warning as a whole entry of the log, in its format.
    using Warning = std::function<std::string(const std::string& message)>;

    // `redirect_stdio`: standard output and error follow the log.
    LogOutput(bool redirect_stdio, Warning warning);

    // On failure nothing changes. What was not written yet is written there.
    Status move_to(LogDestination destination);
    // Reopens the file by its name. On failure the old one stays in use.
    Status reopen();
    const std::string& file() const { return file_; }
    void set_bounds(LogBounds bounds);
    void set_queue_bytes(std::size_t bytes) { queue_bytes_ = bytes; }

    // One entry, with its line end; it is written with the next flush(). A line for which there is no room is
    // lost, and counted; workers' lines are taken as long as full() was false at the last flush().
    void add(std::string_view entry, LineOf whose);
    // Writes as much as it can without waiting. The rest follows when the reader takes it (see follow()).
    void flush();
    // Whether the queue has no room for workers' lines. Never true for a file.
    bool full() const { return full_; }

    // From now on what waits is written when it can be, and `on_room` is called when the queue is no longer
    // full.
    void follow(uv_loop_t* loop, std::function<void()> on_room);
    // Before the loop ends.
    void unfollow();
    // Waits for a reader, at most this long without any progress and four times that in all.
    void finish(Duration patience);

private:
    using Clock = std::chrono::steady_clock;

    void look_at_file();
    std::string_view piece();
    std::string_view first_line() const;
    void begin_anew();
    void give_up(int error);
    bool take_back_half_line();
    void tell_losses();
    void settle();
    void wait_for_reader();
    void stop_waiting();
    bool bounded() const { return bounds_.max_bytes > 0 && target_.is_file() && named_; }
    void warn(const std::string& message);

    bool redirect_stdio_;
    Warning warning_;
    std::string file_;
    bool named_ = false;  // a file with a name, which somebody may move
    LogBounds bounds_;
    LogTarget target_;
    std::uint64_t size_ = 0;
    Clock::time_point next_look_{};
    bool reopen_failed_ = false;
    std::uint64_t more_ = 0;  // beyond the bound, because a new file could not be begun

    LogQueue queue_;
    std::size_t queue_bytes_ = std::size_t{8} * 1024 * 1024;
    bool full_ = false;
    bool failing_ = false;    // the last write was an error: the next one tries with one line
    std::uint64_t lost_ = 0;  // and not reported yet
    std::string lost_because_;
    std::uint64_t told_ = 0;        // in entries that have not left yet
    std::uint64_t told_lines_ = 0;  // so many of them

    std::function<void()> on_room_;
    UniqueFd epoll_;
    uv::Poll poll_;
    uv::Timer retry_;
    bool waiting_ = false;
};

}  // namespace sup
