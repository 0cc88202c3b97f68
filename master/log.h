// The master's log: one line an entry, as text for people or as JSON for programs. Written synchronously (no
// thread), to a file that close-on-exec protects and that can be reopened after a rotation, or to standard
// error.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/unique_fd.h"
#include "config/config.h"

namespace sup {

// Which worker a line is about or came from.
struct WorkerTag {
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    pid_t pid = 0;
    const char* stream = "";  // "stdout" or "stderr" when the line is the worker's own output
};

class Log {
public:
    struct Options {
        config::LogLevel level = config::LogLevel::info;
        config::LogFormat format = config::LogFormat::text;
        std::string file;             // empty: standard error
        bool redirect_stdio = false;  // also point standard output and error at the file (background)
        std::uint64_t max_bytes = 0;  // then the file is renamed to FILE.1 and begun anew; 0: never
    };

    // Fails when the file cannot be opened for appending.
    static Result<Log> open(const Options& options);
    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();

    template <typename... Args>
    void debug(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::debug, nullptr, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void info(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::info, nullptr, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void warning(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::warning, nullptr, fmt::format(format, std::forward<Args>(args)...));
    }
    template <typename... Args>
    void error(fmt::format_string<Args...> format, Args&&... args) {
        write(config::LogLevel::error, nullptr, fmt::format(format, std::forward<Args>(args)...));
    }

    // A line that a worker printed; `line` is already free of control characters.
    void worker_line(const WorkerTag& worker, std::string_view line);

    // As a reload may; the file stays.
    void configure(config::LogLevel level, config::LogFormat format);
    void set_max_bytes(std::uint64_t max_bytes);

    // A place to go to, already open.
    struct Next {
        std::string file;  // empty: standard error
        std::uint64_t max_bytes = 0;
        UniqueFd fd;
    };
    static Result<Next> prepare(const std::string& file, std::uint64_t max_bytes);
    // The log goes on there, and both say so. On failure it stays. Those who have the old file go on with it.
    Status move_to(Next next, config::LogLevel level, config::LogFormat format);
    const std::string& file() const;

    // Opens the file again under its name. On failure the old file stays in use. Without a file, does
    // nothing.
    Status reopen();

    // Called with every entry at info or above that the master itself writes, for those who watch from
    // outside.
    void set_listener(std::function<void(config::LogLevel, std::string_view)> listener);

private:
    struct State;
    explicit Log(std::unique_ptr<State> state);
    void write(config::LogLevel level, const WorkerTag* worker, std::string_view message);
    void put(config::LogLevel level, const WorkerTag* worker, std::string_view message);
    std::unique_ptr<State> state_;
};

}  // namespace sup
