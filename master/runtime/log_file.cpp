#include "master/runtime/log_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdio>
#include <string_view>
#include <variant>

#include "master/runtime/most_links.h"

namespace sup {
namespace {

// O_NONBLOCK is for a FIFO (ENXIO without a reader); on a regular file it means nothing.
constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW;

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = problem == std::errc() && rest == text.data() + text.size();
    return whole && number >= 0 ? std::optional(number) : std::nullopt;
}

Status check_maker(const struct stat& link) {
    if (link.st_uid == 0 || link.st_uid == ::geteuid()) return Success{};
    return Error{"is a symbolic link of user " + std::to_string(link.st_uid) +
                 ", who could point it anywhere; it is not followed"};
}

// Where a path leads: an own descriptor, or a name in a folder that is open.
struct Place {
    UniqueFd folder;
    std::string name;
    bool magic = false;  // a link to what another process has open (proc_pid_fd(5)), to be followed
};

// What a process has open without a name, or with one that it has no more: "pipe:[4711]", "/x (deleted)".
// Only the kernel can follow such a link.
bool is_magic(int link, std::string_view target) {
    struct statfs place {};
    if (::fstatfs(link, &place) != 0 || place.f_type != PROC_SUPER_MAGIC) return false;
    return target.find(":[") != target.npos || target.starts_with("anon_inode:") ||
           target.ends_with(" (deleted)");
}
using Found = std::variant<int, Place>;

// Goes a path component by component, each from the open folder before it, so that nobody can put another
// link on the way while it is gone.
class LogWalk {
public:
    explicit LogWalk(std::string path) : rest_(std::move(path)) {}

    Result<Found> go() {
        while (true) {
            if (gone_.empty() && !folder_) {
                if (const auto number = own_descriptor(rest_)) return Found{*number};
                folder_ = UniqueFd{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
            }
            if (!folder_) return errno_error("cannot be opened");
            const std::string name = next_name();
            const bool last = rest_.find_first_not_of('/') == std::string::npos;
            UniqueFd entry{::openat(folder_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
            if (!entry && !(last && errno == ENOENT)) return errno_error("cannot be opened");
            struct stat info {};
            if (entry && ::fstat(entry.get(), &info) != 0) return errno_error("cannot be examined");
            if (entry && S_ISLNK(info.st_mode)) {
                const auto magic = follow(entry.get(), info, name);
                if (!magic) return magic.error();
                if (*magic) return Found{Place{std::move(folder_), name, true}};
            } else if (last) {
                return Found{Place{std::move(folder_), name}};
            } else {
                folder_ = std::move(entry);
                gone_ += '/' + name;
            }
        }
    }

private:
    std::string next_name() {
        const std::size_t begin = std::min(rest_.find_first_not_of('/'), rest_.size());
        const std::size_t end = std::min(rest_.find('/', begin), rest_.size());
        std::string name = rest_.substr(begin, end - begin);
        rest_.erase(0, end);
        return name.empty() ? "." : name;
    }

    // Read by the descriptor that was looked at. A target with a path of its own begins at the root. True:
    // the link is the whole rest of the way, and only the kernel can follow it.
    Result<bool> follow(int link, const struct stat& info, const std::string& name) {
        if (Status trusted = check_maker(info); !trusted)
            return Error{(rest_.empty() ? "" : "cannot be reached: " + gone_ + '/' + name + ' ') +
                         trusted.error().message};
        if (++links_ > most_links) return errno_error("cannot be opened", ELOOP);
        std::array<char, PATH_MAX> target{};
        const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
        if (size <= 0) return errno_error("cannot be opened");
        const std::string_view text(target.data(), static_cast<std::size_t>(size));
        if (rest_.empty() && is_magic(link, text)) return true;
        rest_ = std::string(text) + rest_;
        if (rest_.front() != '/') rest_ = gone_ + '/' + rest_;
        gone_.clear();
        folder_.reset();
        return false;
    }

    std::string gone_;  // the path of folder_
    std::string rest_;
    UniqueFd folder_;
    int links_ = 0;
};

// What sup itself has opened is close-on-exec; what it was given is not.
Result<OpenLog> open_own(int number) {
    const int kept = ::fcntl(number, F_GETFD);
    const int mode = ::fcntl(number, F_GETFL);
    if (kept < 0 || (kept & FD_CLOEXEC) != 0 || mode < 0)
        return Error{"is not open: sup was started without a descriptor " + std::to_string(number)};
    if ((mode & O_ACCMODE) == O_RDONLY) return Error{"is open only for reading"};
    OpenLog log{UniqueFd{::fcntl(number, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)}, true};
    if (!log.fd) return errno_error("cannot be used");
    return log;
}

Result<OpenLog> open_at(const Found& found) {
    if (const int* number = std::get_if<int>(&found)) return open_own(*number);
    const auto& [folder, name, magic] = std::get<Place>(found);
    const int how = magic ? flags & ~(O_NOFOLLOW | O_CREAT) : flags;
    OpenLog log{UniqueFd{::openat(folder.get(), name.c_str(), how, 0600)}, false};
    if (!log.fd && magic && errno == ENXIO)
        return Error{"cannot be opened: it is a socket of another process, or a pipe that nobody reads"};
    if (!log.fd) return errno_error("cannot be opened");
    return log;
}

}  // namespace

std::optional<int> own_descriptor(const std::string& path) {
    if (path == "/dev/stdout") return STDOUT_FILENO;
    if (path == "/dev/stderr") return STDERR_FILENO;
    for (const std::string& folder :
         {std::string("/dev/fd/"), std::string("/proc/self/fd/"), std::string("/proc/thread-self/fd/"),
          "/proc/" + std::to_string(::getpid()) + "/fd/"}) {
        if (path.starts_with(folder)) return number_of(std::string_view(path).substr(folder.size()));
    }
    return std::nullopt;
}

Result<OpenLog> open_log_file(const std::string& path) {
    auto found = LogWalk(path).go();
    auto file = found ? open_at(*found) : Result<OpenLog>(found.error());
    if (!file) return Error{"the log file " + path + " " + file.error().message};
    return file;
}

Status check_log_links(const std::string& path) {
    const auto found = LogWalk(path).go();
    return found ? Status(Success{}) : Status(found.error());
}

Status rotate_log_file(const std::string& path, std::uint32_t keep) {
    auto found = LogWalk(path).go();
    if (!found) return Error{"the log file " + path + " " + found.error().message};
    const auto* place = std::get_if<Place>(&*found);
    if (place == nullptr || place->magic) return Success{};
    const int folder = place->folder.get();
    const std::string& name = place->name;
    const auto old = [&](std::uint32_t number) { return name + '.' + std::to_string(number); };
    const auto failed = [&] { return errno_error("the log file " + path + " cannot be renamed"); };
    if (keep == 0) return ::unlinkat(folder, name.c_str(), 0) == 0 ? Status(Success{}) : Status(failed());
    for (std::uint32_t number = keep - 1; number > 0; --number) {
        if (::renameat(folder, old(number).c_str(), folder, old(number + 1).c_str()) != 0 && errno != ENOENT)
            return failed();
    }
    if (::renameat(folder, name.c_str(), folder, old(1).c_str()) != 0) return failed();
    return Success{};
}

}  // namespace sup
