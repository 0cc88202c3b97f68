#include "master/log.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "common/count.h"
#include "common/unique_fd.h"
#include "master/runtime/log_file.h"

namespace sup {
namespace {

// In the background of a terminal with `tostop`, a write raises SIGTTOU, which the master catches, and would
// be restarted for ever; with the signal blocked it goes through (tty_ioctl(4)).
class BlockedTtou {
public:
    explicit BlockedTtou(bool terminal) : terminal_(terminal) {
        if (!terminal_) return;
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGTTOU);
        sigprocmask(SIG_BLOCK, &set, &before_);
    }
    ~BlockedTtou() {
        if (terminal_) sigprocmask(SIG_SETMASK, &before_, nullptr);
    }
    BlockedTtou(const BlockedTtou&) = delete;
    BlockedTtou& operator=(const BlockedTtou&) = delete;

private:
    bool terminal_;
    sigset_t before_{};
};

// Writes each entry to a file with one write(2), so that entries of several processes (O_APPEND) stay whole.
class DescriptorSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit DescriptorSink(const Log::Options& options)
        : file_(options.file), redirect_stdio_(options.redirect_stdio), max_bytes_(options.max_bytes) {}

    Status open() {
        auto next = Log::prepare(file_, max_bytes_);
        if (!next) return next.error();
        if (Status redirected = redirect_stdio_to(*next); !redirected) return redirected;
        use(std::move(*next));
        return Success{};
    }

    // Where they follow the log.
    Status redirect_stdio_to(const Log::Next& next) const {
        if (!redirect_stdio_ || !next.fd) return Success{};
        if (::dup2(next.fd.get(), STDOUT_FILENO) >= 0 && ::dup2(next.fd.get(), STDERR_FILENO) >= 0)
            return Success{};
        return errno_error("cannot redirect standard error to " + next.file);
    }

    void use(Log::Next next) {
        file_ = std::move(next.file);
        max_bytes_ = next.max_bytes;
        fd_ = std::move(next.fd);
        may_block_ = !is_regular_file(output());
        size_ = size_of(output());
    }

    const std::string& file() const { return file_; }
    void set_max_bytes(std::uint64_t max_bytes) { max_bytes_ = max_bytes; }

protected:
    void sink_it_(const spdlog::details::log_msg& entry) override {
        spdlog::memory_buf_t line;
        formatter_->format(entry, line);
        begin_anew_if_full(line.size());
        if (lost_ > 0 && write_whole(words_for_lost())) lost_ = 0;
        if (lost_ > 0 || !write_whole({line.data(), line.size()})) ++lost_;
    }
    void flush_() override {}

private:
    std::string words_for_lost() const {
        return "(" + counted(lost_, "line") + " of the log " + (lost_ == 1 ? "was" : "were") + " lost)\n";
    }

    // Where it cannot be, it grows on.
    void begin_anew_if_full(std::size_t more) {
        if (max_bytes_ == 0 || may_block_ || size_ + more <= max_bytes_) return;
        if (::rename(file_.c_str(), (file_ + ".1").c_str()) != 0 || !open()) size_ = 0;
    }

    // A full disk, and a reader that stands still or has gone, must not stop the master: false, and the line
    // is lost (what has been written of it stays).
    bool write_whole(std::string_view rest) {
        const int fd = output();
        const BlockedTtou blocked(may_block_ && ::isatty(fd) == 1);
        while (!rest.empty()) {
            if (may_block_ && !is_writable(fd)) return false;
            // poll(2) promises room for PIPE_BUF bytes, not more.
            const ssize_t written = ::write(
                fd, rest.data(), may_block_ ? std::min<std::size_t>(rest.size(), PIPE_BUF) : rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) return false;
            rest.remove_prefix(static_cast<std::size_t>(written));
            size_ += static_cast<std::uint64_t>(written);
        }
        return true;
    }

    int output() const { return fd_ ? fd_.get() : STDERR_FILENO; }

    static bool is_writable(int fd) {
        pollfd one{fd, POLLOUT, 0};
        return ::poll(&one, 1, 0) == 1 && (one.revents & POLLOUT) != 0;
    }

    static bool is_regular_file(int fd) {
        struct stat info {};
        return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    }

    static std::uint64_t size_of(int fd) {
        struct stat info {};
        return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
    }

    std::string file_;
    bool redirect_stdio_;
    std::uint64_t max_bytes_;
    std::uint64_t size_ = 0;
    UniqueFd fd_;
    bool may_block_ = true;  // anything but a regular file
    std::uint64_t lost_ = 0;
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

std::string in_words(const std::string& file) {
    return file.empty() ? "standard error" : file;
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

Result<Log> Log::open(const Options& options) {
    auto sink = std::make_shared<DescriptorSink>(options);
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

void Log::set_max_bytes(std::uint64_t max_bytes) {
    state_->sink->set_max_bytes(max_bytes);
}

Status Log::reopen() {
    return state_->sink->open();
}

Result<Log::Next> Log::prepare(const std::string& file, std::uint64_t max_bytes) {
    Next next{file, max_bytes, {}};
    if (file.empty()) return next;
    auto fd = open_log_file(file);
    if (!fd) return fd.error();
    next.fd = std::move(*fd);
    return next;
}

Status Log::move_to(Next next, config::LogLevel level, config::LogFormat format) {
    const std::string from = in_words(file());
    if (Status redirected = state_->sink->redirect_stdio_to(next); !redirected) return redirected;
    put(config::LogLevel::info, nullptr, "the log goes on in " + in_words(next.file));
    state_->sink->use(std::move(next));
    configure(level, format);
    put(config::LogLevel::info, nullptr, "the log goes on here; before it was in " + from);
    return Success{};
}

const std::string& Log::file() const {
    return state_->sink->file();
}

void Log::set_listener(std::function<void(config::LogLevel, std::string_view)> listener) {
    state_->listener = std::move(listener);
}

void Log::worker_line(const WorkerTag& worker, std::string_view line) {
    write(config::LogLevel::info, &worker, line);
}

void Log::write(config::LogLevel level, const WorkerTag* worker, std::string_view message) {
    // The level is about what the master says; what a worker prints is never dropped.
    if (worker != nullptr || level >= state_->level) put(level, worker, message);
    if (worker == nullptr && level >= config::LogLevel::info && state_->listener)
        state_->listener(level, message);
}

void Log::put(config::LogLevel level, const WorkerTag* worker, std::string_view message) {
    const bool json = state_->format == config::LogFormat::json;
    const std::string text = json ? as_json(level, worker, message) : as_text(worker, message);
    state_->sink->log(spdlog::details::log_msg("sup", spdlog_level(level), text));
}

}  // namespace sup
