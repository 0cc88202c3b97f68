#include "master/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "common/safe_text.h"

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

std::string in_words(const std::string& file) {
    return file.empty() ? "standard error" : file;
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

// Makes entries. The part before the message is only rebuilt when it changes: a worker that prints a lot
// prints many lines in one millisecond.
class EntryFormat {
public:
    explicit EntryFormat(config::LogFormat format)
        : json_(format == config::LogFormat::json),
          time_and_level_(std::make_unique<spdlog::pattern_formatter>(json_ ? json_pattern : text_pattern,
                                                                      spdlog::pattern_time_type::utc, "")) {}

    // Valid until the next one. `message` is safe, and one line.
    const std::string& entry(config::LogLevel level, const WorkerTag* worker, std::string_view message) {
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
    bool json() const { return json_; }

private:
    const std::string& head(config::LogLevel level, const WorkerTag* worker) {
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

    bool json_;
    std::unique_ptr<spdlog::pattern_formatter> time_and_level_;
    std::chrono::sys_time<std::chrono::milliseconds> millisecond_{};
    config::LogLevel level_{};
    WorkerTag tag_;
    std::string head_;
    std::string entry_;
};

}  // namespace

struct Log::State {
    explicit State(const Options& options)
        : level(options.level),
          format(options.format),
          warnings(options.format),
          output(options.redirect_stdio, [this](const std::string& message) {
              return warnings.entry(config::LogLevel::warning, nullptr, safe_text(message));
          }) {
        output.set_queue_bytes(options.queue_bytes);
    }

    config::LogLevel level;
    EntryFormat format;
    EntryFormat warnings;  // the output's own, made while it takes another entry
    LogOutput output;
    std::function<void(config::LogLevel, std::string_view)> listener;
};

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(const Options& options) {
    auto destination = LogDestination::prepare(options.file, options.bounds);
    if (!destination) return destination.error();
    auto state = std::make_unique<State>(options);
    if (Status moved = state->output.move_to(std::move(*destination)); !moved) return moved.error();
    return Log(std::move(state));
}

void Log::configure(config::LogLevel level, config::LogFormat format) {
    state_->level = level;
    state_->format = EntryFormat(format);
    state_->warnings = EntryFormat(format);
}

void Log::set_bounds(LogBounds bounds) {
    state_->output.set_bounds(bounds);
}

void Log::set_queue_bytes(std::size_t bytes) {
    state_->output.set_queue_bytes(bytes);
}

Status Log::reopen() {
    return file().empty() ? Status(Success{}) : state_->output.reopen();
}

Status Log::move_to(LogDestination next, config::LogLevel level, config::LogFormat format) {
    const std::string from = in_words(file());
    put(config::LogLevel::info, "the log continues in " + in_words(next.file));
    if (Status moved = state_->output.move_to(std::move(next)); !moved) return moved;
    configure(level, format);
    put(config::LogLevel::info, "the log continues here; until now it was in " + from);
    return Success{};
}

const std::string& Log::file() const {
    return state_->output.file();
}

void Log::set_listener(std::function<void(config::LogLevel, std::string_view)> listener) {
    state_->listener = std::move(listener);
}

void Log::follow(uv_loop_t* loop, std::function<void()> on_room) {
    state_->output.follow(loop, std::move(on_room));
}

void Log::unfollow() {
    state_->output.unfollow();
}

void Log::finish(Duration patience) {
    state_->output.finish(patience);
}

// The level is about what the master says; what a worker prints is never left out.
void Log::worker_line(const WorkerTag& worker, std::string_view line) {
    state_->output.add(state_->format.entry(config::LogLevel::info, &worker, line), LineOf::worker);
}

void Log::flush() {
    state_->output.flush();
}

bool Log::full() const {
    return state_->output.full();
}

bool Log::writes(config::LogLevel level) const {
    return level >= state_->level;
}

void Log::write(config::LogLevel level, std::string_view message) {
    if (writes(level)) put(level, message);
    if (level >= config::LogLevel::info && state_->listener) state_->listener(level, message);
}

// A message of several lines stays one where the format has a way to write that.
void Log::put(config::LogLevel level, std::string_view message) {
    const std::string text = safe_lines(message);
    std::string_view rest = text;
    while (true) {
        const std::size_t end = state_->format.json() ? rest.npos : rest.find('\n');
        state_->output.add(state_->format.entry(level, nullptr, rest.substr(0, end)), LineOf::master);
        if (end == rest.npos) break;
        rest.remove_prefix(end + 1);
    }
    flush();
}

}  // namespace sup
