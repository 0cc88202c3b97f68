#include "master/log/entry_format.h"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>

#include <algorithm>
#include <cstdlib>

namespace sup {
namespace {

spdlog::level::level_enum spdlog_level(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug: return spdlog::level::debug;
        case config::LogLevel::info: return spdlog::level::info;
        case config::LogLevel::warning: return spdlog::level::warn;
        case config::LogLevel::error: return spdlog::level::err;
    }
    std::abort();
}

bool is_plain_in_json(char c) {
    return c != '"' && c != '\\' && c != '\t' && c != '\n';
}

// A JSON string's contents, of text that is free of control characters but these.
void append_json(std::string& out, std::string_view text) {
    while (true) {
        // Not find_first_of(), which calls memchr(3) for each character.
        const auto plain =
            static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain_in_json) - text.begin());
        out += text.substr(0, plain);
        if (plain == text.size()) return;
        out += '\\';
        const char c = text[plain];
        out += c == '\t' ? 't' : c == '\n' ? 'n' : c;
        text.remove_prefix(plain + 1);
    }
}

constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %-7l ";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",)";

}  // namespace

EntryFormat::EntryFormat(config::LogFormat format)
    : json_(format == config::LogFormat::json),
      time_and_level_(std::make_unique<spdlog::pattern_formatter>(json_ ? json_pattern : text_pattern,
                                                                  spdlog::pattern_time_type::utc, "")) {}

const std::string& EntryFormat::entry(config::LogLevel level, const WorkerTag* worker,
                                      std::string_view message) {
    entry_ = head(level, worker);
    if (json_) {
        append_json(entry_, message);
        entry_ += "\"}\n";
    } else {
        entry_ += message;
        entry_ += '\n';
    }
    return entry_;
}

const std::string& EntryFormat::head(config::LogLevel level, const WorkerTag* worker) {
    const auto now = std::chrono::system_clock::now();
    const auto millisecond = std::chrono::floor<std::chrono::milliseconds>(now);
    const WorkerTag tag = worker == nullptr ? WorkerTag{} : *worker;
    if (millisecond == millisecond_ && level == level_ && tag == tag_) return head_;
    millisecond_ = millisecond;
    level_ = level;
    tag_ = tag;
    spdlog::memory_buf_t begin;
    time_and_level_->format(
        spdlog::details::log_msg(now, {}, spdlog::string_view_t(), spdlog_level(level), {}), begin);
    head_.assign(begin.data(), begin.size());
    if (worker != nullptr) {
        head_ += fmt::format(json_ ? fmt::runtime(R"("generation":{},"slot":{},"pid":{},"stream":"{}",)")
                                   : fmt::runtime("worker {}/{} pid {} {}: "),
                             worker->generation, worker->slot, worker->pid, worker->stream);
    }
    if (json_) head_ += "\"message\":\"";
    return head_;
}

}  // namespace sup
