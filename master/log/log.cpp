#include "master/log/log.h"

#include <memory>
#include <string>
#include <utility>

#include "common/safe_text.h"
#include "master/log/entry_format.h"

namespace sup {
namespace {

std::string in_words(const std::string& file) {
    return file.empty() ? "standard error" : file;
}

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
