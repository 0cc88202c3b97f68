// The master's log: one line for each entry, as text for people or as JSON for programs. No thread: what
// cannot be written at once waits in a queue (log/log_output.h).
#pragma once

#include <fmt/format.h>
#include <sys/types.h>
#include <uv.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/duration.h"
#include "common/result.h"
#include "config/config.h"
#include "master/log/log_output.h"

namespace sup {

// Which worker a line is about or came from.
struct WorkerTag {
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    pid_t pid = 0;
    const char* stream = "";  // "stdout" or "stderr" when the line is the worker's own output

    friend bool operator==(const WorkerTag&, const WorkerTag&) = default;
};

class Log {
public:
    struct Options {
        config::LogLevel level = config::LogLevel::info;
        config::LogFormat format = config::LogFormat::text;
        std::string file;             // empty: standard error
        bool redirect_stdio = false;  // also point standard output and error at the file (background)
        LogBounds bounds{};           // then the file is renamed to FILE.1, and a new one begun
        std::size_t queue_bytes = std::size_t{8} * 1024 * 1024;  // of workers' lines that a reader lets wait
    };

    // Fails when the file cannot be opened for appending.
    static Result<Log> open(const Options& options);
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    // `message` makes the text, and is called only if the text is written.
    template <std::invocable Message>
    void debug(Message&& message) {
        if (writes(config::LogLevel::debug)) write(config::LogLevel::debug, message());
    }
    template <typename... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void warning(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void error(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
    }

    // At a level that is known only at run time.
    void say(config::LogLevel level, std::string_view message) { write(level, message); }

    // A line that a worker printed, already made safe (safe_text.h). It is written with the next flush(), or
    // with the master's next entry.
    void worker_line(const WorkerTag& worker, std::string_view line);
    void flush();
    // Whether there is no room for more lines of workers: what they print then is lost, and counted.
    bool full() const;

    // A reload may change these; the file stays.
    void configure(config::LogLevel level, config::LogFormat format);
    void set_bounds(LogBounds bounds);
    void set_queue_bytes(std::size_t bytes);

    // The log continues there, and both files say so. On failure it stays where it is. Processes that have
    // the old file keep it.
    Status move_to(LogDestination next, config::LogLevel level, config::LogFormat format);
    const std::string& file() const;

    // Opens the file again under its name. On failure the old file stays in use. Without a file, does
    // nothing.
    Status reopen();

    // While the loop runs: what waits is written when the reader takes it, and `on_room` is called when the
    // log is no longer full.
    void follow(uv_loop_t* loop, std::function<void()> on_room);
    void unfollow();
    // At the end: gives a slow reader this much time for each piece that is still waiting.
    void finish(Duration patience);

    // Called with every entry at info or above that the master itself writes, for subscribers.
    void set_listener(std::function<void(config::LogLevel, std::string_view)> listener);

private:
    struct State;
    explicit Log(std::unique_ptr<State> state);
    bool writes(config::LogLevel level) const;
    void write(config::LogLevel level, std::string_view message);
    void put(config::LogLevel level, std::string_view message);
    std::unique_ptr<State> state_;
};

}  // namespace sup
