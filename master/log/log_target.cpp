#include "master/log/log_target.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string>
#include <utility>

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

constexpr int reopening = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
// What is sure to fit where poll(2) says that a terminal has room.
constexpr std::size_t terminal_piece = 128;

// The controlling terminal may be opened by whoever has it, also after a change of user.
UniqueFd controlling_terminal(dev_t wanted) {
    UniqueFd terminal{::open("/dev/tty", reopening)};
    unsigned device = 0;  // /dev/tty's own number says nothing: TIOCGDEV tells the terminal's
    if (!terminal || ::ioctl(terminal.get(), TIOCGDEV, &device) != 0) return {};
    return makedev(device >> 8U & 0xFFFU, (device & 0xFFU) | (device >> 12U & 0xFFF00U)) == wanted
               ? std::move(terminal)
               : UniqueFd();
}

// An open file of our own for the same pipe or terminal; none where that is not possible.
UniqueFd open_again(int fd, const struct stat& info, bool terminal) {
    const bool master_side = info.st_rdev == makedev(5, 2);  // opening /dev/ptmx makes another terminal
    if (!S_ISFIFO(info.st_mode) && (!terminal || master_side)) return {};
    UniqueFd own{::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), reopening)};
    return own || !terminal ? std::move(own) : controlling_terminal(info.st_rdev);
}

bool is_stream_socket(int fd) {
    int type = SOCK_STREAM;
    socklen_t size = sizeof type;
    ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return type == SOCK_STREAM;
}

LogTarget::Written outcome(ssize_t result) {
    if (result >= 0) return {static_cast<std::size_t>(result), 0};
    return {0, errno == EWOULDBLOCK ? EAGAIN : errno};
}

bool has_room(int fd) {
    pollfd one{fd, POLLOUT, 0};
    // An error or a hang-up is told by the write.
    return ::poll(&one, 1, 0) == 1;
}

}  // namespace

LogTarget::LogTarget(UniqueFd fd, bool shared) : fd_(std::move(fd)), shared_(shared) {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return;
    if (S_ISREG(info.st_mode)) kind_ = Kind::file;
    if (S_ISSOCK(info.st_mode)) kind_ = is_stream_socket(fd_.get()) ? Kind::socket : Kind::messages;
    terminal_ = S_ISCHR(info.st_mode) && ::isatty(fd_.get()) == 1;
    if (kind_ != Kind::stream || !shared_) return;
    if (UniqueFd own = open_again(fd_.get(), info, terminal_)) {
        fd_ = std::move(own);
        shared_ = false;
    }
}

LogTarget::Written LogTarget::write(std::string_view bytes) const {
    const BlockedTtou blocked(terminal_);
    Written written;
    do {
        if (kind_ == Kind::socket || kind_ == Kind::messages) {
            written = outcome(::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
        } else if (kind_ == Kind::stream && shared_) {
            written = write_shared(bytes);
        } else {
            written = outcome(::write(fd_.get(), bytes.data(), bytes.size()));
        }
    } while (written.error == EINTR);
    return written;
}

LogTarget::Written LogTarget::write_shared(std::string_view bytes) const {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT(*-const-cast): not written to
    const Written written = outcome(::pwritev2(fd_.get(), &piece, 1, -1, RWF_NOWAIT));
    if (written.error != EOPNOTSUPP) return written;
    if (!has_room(fd_.get())) return {0, EAGAIN};
    // Room for PIPE_BUF bytes is what poll(2) promises of a pipe.
    return outcome(::write(fd_.get(), bytes.data(),
                           std::min<std::size_t>(bytes.size(), terminal_ ? terminal_piece : PIPE_BUF)));
}

}  // namespace sup
