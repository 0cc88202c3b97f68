#include "master/log/log_output.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/count.h"

namespace sup {
namespace {

// Of the master's own lines beside a full queue.
constexpr std::size_t reserved_bytes = std::size_t{1024} * 1024;
// Room that is worth telling of: some reads of a worker's pipe.
constexpr std::size_t worthwhile_room = std::size_t{64} * 1024;
// How long lines may keep going into a file that has been moved away.
constexpr std::chrono::milliseconds between_looks_at_file{100};
constexpr Duration between_retries{1'000};

struct FileState {
    bool there = false;  // under its name
    std::uint64_t size = 0;
};

FileState look_at(int fd, const std::string& path) {
    struct stat opened {};
    struct stat found {};
    if (::fstat(fd, &opened) != 0) return {};
    const bool there = opened.st_nlink > 0 && ::stat(path.c_str(), &found) == 0 &&
                       opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
    return {there, static_cast<std::uint64_t>(opened.st_size)};
}

bool is_removed(int fd) {
    struct stat opened {};
    return ::fstat(fd, &opened) == 0 && opened.st_nlink == 0;
}

}  // namespace

Result<LogDestination> LogDestination::prepare(const std::string& file, LogBounds bounds) {
    auto open = open_log_file(file.empty() ? "/dev/stderr" : file);
    // Whoever starts sup without a standard error wants none.
    if (!open && file.empty()) open = open_log_file("/dev/null");
    if (!open) return open.error();
    return LogDestination{file, bounds, std::move(*open)};
}

LogOutput::LogOutput(bool redirect_stdio, Warning warning)
    : redirect_stdio_(redirect_stdio), warning_(std::move(warning)) {}

Status LogOutput::move_to(LogDestination destination) {
    const int fd = destination.open.fd.get();
    if (redirect_stdio_ && !destination.open.shared &&
        (::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0))
        return errno_error("cannot redirect standard error to " + destination.file);
    stop_waiting();
    queue_.begin_line_again();
    file_ = std::move(destination.file);
    bounds_ = destination.bounds;
    const bool shared = destination.open.shared;
    target_ = LogTarget(std::move(destination.open.fd), shared);
    named_ = !shared && target_.is_file();
    size_ = look_at(target_.fd(), file_).size;
    more_ = 0;
    failing_ = false;
    next_look_ = Clock::now() + between_looks_at_file;
    return Success{};
}

Status LogOutput::reopen() {
    auto again = LogDestination::prepare(file_, bounds_);
    if (!again) return again.error();
    return move_to(std::move(*again));
}

void LogOutput::set_bounds(LogBounds bounds) {
    bounds_ = bounds;
    more_ = 0;
}

void LogOutput::add(std::string_view entry, LineOf whose) {
    const bool room = whose == LineOf::worker ? !full_ : queue_.bytes(whose) < reserved_bytes;
    if (!room) {
        lost_because_ = "its reader did not take them";
        ++lost_;
        return;
    }
    tell_losses();
    queue_.add(entry, whose);
}

void LogOutput::flush() {
    look_at_file();
    tell_losses();
    while (!queue_.empty()) {
        const std::string_view bytes = piece();
        const auto [written, error] = target_.write(bytes);
        queue_.took(written);
        size_ += written;
        if (error == EAGAIN) break;
        if (error != 0) {
            give_up(error);
            break;
        }
        failing_ = false;
    }
    settle();
}

// What goes with the next write: of a file that has a bound no more than fits.
std::string_view LogOutput::piece() {
    if (failing_ || target_.takes_messages()) return first_line();
    if (!bounded() || queue_.begun() > 0) return queue_.front();
    if (size_ > 0 && size_ + first_line().size() > bounds_.max_bytes + more_) begin_anew();
    const std::string_view all = queue_.front();
    const std::uint64_t room = std::max(bounds_.max_bytes + more_, size_) - size_;
    if (all.size() <= room) return all;
    const std::size_t end = room == 0 ? all.npos : all.rfind('\n', room - 1);
    return end == all.npos ? first_line() : all.substr(0, end + 1);
}

std::string_view LogOutput::first_line() const {
    const std::string_view all = queue_.front();
    return all.substr(0, all.find('\n') + 1);
}

// If that is impossible, the file grows by as much again.
void LogOutput::begin_anew() {
    Status done = rotate_log_file(file_, bounds_.keep);
    if (done) done = reopen();
    if (done) return;
    if (more_ == 0) warn(done.error().message + "; it keeps growing beyond log.max_size");
    more_ = size_;
}

// Somebody may have removed it, or moved it away, or emptied it. One look in a while is enough, as lines that
// go into a file that was moved are not lost; the name of one that was removed shows in every fstat(2).
void LogOutput::look_at_file() {
    if (!named_) return;
    const auto now = Clock::now();
    if (now < next_look_ && (reopen_failed_ || !is_removed(target_.fd()))) return;
    next_look_ = now + between_looks_at_file;
    const FileState state = look_at(target_.fd(), file_);
    size_ = state.size;
    if (state.there) return;
    reopen_failed_ = !reopen();
    if (!reopen_failed_) warn(file_ + " was removed or moved away; the log continues in a new one");
}

// A full disk, or a reader that has gone, must not stop the master.
void LogOutput::give_up(int error) {
    const bool keep_begun = target_.is_file() && !take_back_half_line();
    const std::uint64_t lines = queue_.discard(keep_begun);
    lost_ += lines - std::min(lines, told_lines_) + std::exchange(told_, 0);
    told_lines_ = 0;
    lost_because_ = std::strerror(error);
    failing_ = true;
    if (retry_) retry_.arm(between_retries);
}

// So that a file does not contain half a line. Only where nobody has written behind it; otherwise its rest
// comes first when there is room.
bool LogOutput::take_back_half_line() {
    const std::size_t begun = queue_.begun();
    if (begun == 0) return true;
    const off_t end = ::lseek(target_.fd(), 0, SEEK_CUR);
    if (end < 0 || static_cast<std::uint64_t>(end) != look_at(target_.fd(), file_).size) return false;
    const off_t start = end - static_cast<off_t>(begun);
    if (::ftruncate(target_.fd(), start) != 0) return false;
    ::lseek(target_.fd(), start, SEEK_SET);
    size_ -= std::min<std::uint64_t>(size_, begun);
    queue_.begin_line_again();
    return true;
}

// Goes where the lines are missing: behind what came before, even among workers' lines.
void LogOutput::tell_losses() {
    if (lost_ == 0 || full_ || queue_.bytes(LineOf::master) >= reserved_bytes) return;
    told_ += lost_;
    ++told_lines_;
    const std::uint64_t lost = std::exchange(lost_, 0);
    queue_.add(warning_(counted(lost, "line") + " of the log " + (lost == 1 ? "was" : "were") +
                        " lost: " + lost_because_),
               queue_.empty() ? LineOf::master : LineOf::worker);
}

void LogOutput::settle() {
    if (queue_.empty()) {
        told_ = told_lines_ = 0;
        stop_waiting();
    } else {
        wait_for_reader();
    }
    const std::size_t waiting = queue_.bytes(LineOf::worker);
    const std::size_t room = std::min(worthwhile_room, queue_bytes_ / 2);
    const bool was_full = std::exchange(full_, waiting >= (full_ ? queue_bytes_ - room : queue_bytes_));
    if (!was_full || full_) return;
    tell_losses();
    if (on_room_) on_room_();
}

void LogOutput::warn(const std::string& message) {
    queue_.add(warning_(message), LineOf::master);
}

void LogOutput::follow(uv_loop_t* loop, std::function<void()> on_room) {
    on_room_ = std::move(on_room);
    retry_ = uv::Timer(loop, [this] { flush(); });
    epoll_ = UniqueFd{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll_) return;
    // Not the descriptor itself: libuv would set it O_NONBLOCK.
    auto poll = uv::Poll::create(loop, epoll_.get(), [this](int, int) { flush(); });
    if (poll) poll_ = std::move(*poll);
    settle();
}

void LogOutput::unfollow() {
    stop_waiting();
    poll_ = {};
    retry_ = {};
    epoll_.reset();
    on_room_ = nullptr;
}

void LogOutput::wait_for_reader() {
    if (waiting_ || !retry_) return;
    epoll_event wanted{};
    wanted.events = EPOLLOUT;
    if (!poll_ || ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, target_.fd(), &wanted) != 0)
        return retry_.arm(between_retries);
    poll_.start(UV_READABLE);
    waiting_ = true;
}

void LogOutput::stop_waiting() {
    if (!std::exchange(waiting_, false)) return;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, target_.fd(), nullptr);
    poll_.stop();
}

void LogOutput::finish(Duration patience) {
    const auto last = Clock::now() + 4 * patience;
    flush();
    while (!queue_.empty() && Clock::now() < last) {
        const std::size_t before = queue_.bytes(LineOf::worker) + queue_.bytes(LineOf::master);
        pollfd room{target_.fd(), POLLOUT, 0};
        if (::poll(&room, 1, static_cast<int>(patience.count())) != 1) return;
        flush();
        if (queue_.bytes(LineOf::worker) + queue_.bytes(LineOf::master) == before) return;
    }
}

}  // namespace sup
