#include "master/runtime/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "config/path.h"

namespace sup {
namespace {

constexpr int most_links = 8;
// O_NONBLOCK is for a FIFO (ENXIO without a reader); on a regular file it means nothing.
constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

UniqueFd open_for_appending(const std::string& path, int more_flags) {
    return UniqueFd{::open(path.c_str(), flags | more_flags, 0600)};
}

// What these lead to is no path (proc(5)).
bool is_own_output(const std::string& path) {
    return path == "/dev/stdout" || path == "/dev/stderr";
}

Status check_maker(int link) {
    struct stat info {};
    if (::fstat(link, &info) != 0) return errno_error("cannot be looked at");
    if (info.st_uid == 0 || info.st_uid == ::geteuid()) return Success{};
    return Error{"is a symbolic link of user " + std::to_string(info.st_uid) +
                 ", who could have it point anywhere; it is not followed"};
}

// Read by the descriptor that was looked at: the path may have another link by now.
Result<std::string> target_of(int link, const std::string& path) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(link, "", target.data(), target.size());
    if (size <= 0) return errno_error("cannot be read");
    const std::string text(target.data(), static_cast<std::size_t>(size));
    return text.front() == '/' ? text : config::folder_of(path) + '/' + text;
}

Result<UniqueFd> open_through_links(std::string path) {
    for (int links = 0; links <= most_links; ++links) {
        UniqueFd file = open_for_appending(path, is_own_output(path) ? 0 : O_NOFOLLOW);
        if (file || errno != ELOOP)
            return file ? Result<UniqueFd>(std::move(file)) : errno_error("cannot be opened");
        const UniqueFd link{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
        if (!link) return errno_error("cannot be opened");
        if (Status trusted = check_maker(link.get()); !trusted) return trusted.error();
        auto target = target_of(link.get(), path);
        if (!target) return target.error();
        path = std::move(*target);
    }
    return errno_error("cannot be opened", ELOOP);
}

}  // namespace

Result<UniqueFd> open_log_file(const std::string& path) {
    auto file = open_through_links(path);
    if (!file) return Error{"the log file " + path + " " + file.error().message};
    return file;
}

Status check_log_link(const std::string& path) {
    const UniqueFd file{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct stat info {};
    if (!file || ::fstat(file.get(), &info) != 0 || !S_ISLNK(info.st_mode) || is_own_output(path))
        return Success{};
    return check_maker(file.get());
}

}  // namespace sup
