#include "master/log.h"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/unique_fd.h"

namespace sup {
namespace {

// Writes each entry with one write(2), so that entries of several processes in one file (O_APPEND) stay
// whole.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    DescriptorSink(std::string file, bool redirect_stdio)
        : file_(std::move(file)), redirect_stdio_(redirect_stdio) {}

    Status open() {
        if (file_.empty()) return Success{};
        UniqueFd fd{::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)};
        if (!fd) return errno_error("cannot open the log file " + file_);
        if (redirect_stdio_ && (::dup2(fd.get(), STDOUT_FILENO) < 0 || ::dup2(fd.get(), STDERR_FILENO) < 0)) {
            return errno_error("cannot redirect standard error to " + file_);
        }
        fd_ = std::move(fd);
        return Success{};
    }

protected:
    void sink_it_(const spdlog::details::log_msg& entry) override {
        spdlog::memory_buf_t line;
        formatter_->format(entry, line);
        const int fd = fd_ ? fd_.get() : STDERR_FILENO;
        std::string_view rest{line.data(), line.size()};
        while (!rest.empty()) {
            const ssize_t written = ::write(fd, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            // A full disk or a reader that has gone must not stop the master: the entry is lost.
            if (written <= 0) return;
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    void flush_() override {}

private:
    std::string file_;
    bool redirect_stdio_;
    UniqueFd fd_;
};

spdlog::level::level_enum spdlog_level(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::trace: return spdlog::level::trace;
        case config::LogLevel::debug: return spdlog::level::debug;
        case config::LogLevel::info: return spdlog::level::info;
        case config::LogLevel::warning: return spdlog::level::warn;
        case config::LogLevel::error: return spdlog::level::err;
    }
    std::abort();
}

std::string level_name(config::LogLevel level) {
    const auto view = spdlog::level::to_string_view(spdlog_level(level));
    return {view.data(), view.size()};
}

std::string as_text(const WorkerTag* worker, std::string_view message) {
    if (worker == nullptr) return std::string(message);
    return fmt::format("worker {}/{} pid {} {}: {}", worker->generation, worker->slot, worker->pid,
                       worker->stream, message);
}

// Only the members after the time: the pattern puts that in front.
std::string as_json(config::LogLevel level, const WorkerTag* worker, std::string_view message) {
    nlohmann::ordered_json entry{{"level", level_name(level)}};
    if (worker != nullptr) {
        entry["generation"] = worker->generation;
        entry["slot"] = worker->slot;
        entry["pid"] = worker->pid;
        entry["stream"] = worker->stream;
    }
    entry["message"] = message;
    return entry.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(1);
}

constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v)";

}  // namespace

struct Log::State {
    std::shared_ptr<DescriptorSink> sink;
    config::LogLevel level;
    config::LogFormat format;
    std::function<void(config::LogLevel, std::string_view)> listener;
};

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::Log(Log&&) noexcept = default;
Log& Log::operator=(Log&&) noexcept = default;
Log::~Log() = default;

Result<Log> Log::open(Options options) {
    auto sink = std::make_shared<DescriptorSink>(options.file, options.redirect_stdio);
    if (Status opened = sink->open(); !opened) return opened.error();
    Log log(std::make_unique<State>(State{std::move(sink), options.level, options.format, {}}));
    log.configure(options.level, options.format);
    return log;
}

void Log::configure(config::LogLevel level, config::LogFormat format) {
    state_->level = level;
    state_->format = format;
    const char* pattern = format == config::LogFormat::json ? json_pattern : text_pattern;
    state_->sink->set_formatter(
        std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
}

Status Log::reopen() {
    return state_->sink->open();
}

void Log::set_listener(std::function<void(config::LogLevel, std::string_view)> listener) {
    state_->listener = std::move(listener);
}

void Log::worker_line(const WorkerTag& worker, std::string_view line) {
    write(config::LogLevel::info, &worker, line);
}

void Log::write(config::LogLevel level, const WorkerTag* worker, std::string_view message) {
    // The level is about what the master says; what a worker prints is never dropped.
    if (worker != nullptr || level >= state_->level) {
        const bool json = state_->format == config::LogFormat::json;
        const std::string text = json ? as_json(level, worker, message) : as_text(worker, message);
        state_->sink->log(spdlog::details::log_msg("sup", spdlog_level(level), text));
    }
    if (worker == nullptr && level >= config::LogLevel::info && state_->listener)
        state_->listener(level, message);
}

}  // namespace sup
