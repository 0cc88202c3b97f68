// What an entry of the log looks like.
#pragma once

#include <spdlog/pattern_formatter.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "master/log/log.h"

namespace sup {

// Makes entries. The part before the message is rebuilt only when it changes: a worker that prints a lot
// prints many lines within one millisecond.
class EntryFormat {
public:
    explicit EntryFormat(config::LogFormat format);

    // Valid until the next one. `message` is safe, and one line.
    const std::string& entry(config::LogLevel level, const WorkerTag* worker, std::string_view message);
    bool json() const { return json_; }

private:
    const std::string& head(config::LogLevel level, const WorkerTag* worker);

    bool json_;
    std::unique_ptr<spdlog::pattern_formatter> time_and_level_;
    std::chrono::sys_time<std::chrono::milliseconds> millisecond_{};
    config::LogLevel level_{};
    WorkerTag tag_;
    std::string head_;
    std::string entry_;
};

}  // namespace sup
