#include "master/runtime/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "common/unique_fd.h"

namespace sup {
namespace {

Status write_whole(int fd, std::string_view contents, const std::string& path) {
    while (!contents.empty()) {
        const ssize_t written = ::write(fd, contents.data(), contents.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno_error("cannot write " + path);
        contents.remove_prefix(static_cast<std::size_t>(written));
    }
    return Success{};
}

Status check_file(int fd, const std::string& path, std::optional<uid_t> owner) {
    struct stat info {};
    if (::fstat(fd, &info) != 0) return errno_error("cannot examine " + path);
    if (!S_ISREG(info.st_mode)) return Error{path + " is not a file; remove it"};
    if (!owner || info.st_uid == *owner) return Success{};
    return Error{path + " belongs to user " + std::to_string(info.st_uid) +
                 ", and so does what it names; that user can act on it"};
}

}  // namespace

Status replace_file(const std::string& path, std::string_view contents) {
    const std::string draft = path + ".new";
    const UniqueFd file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!file) return errno_error("cannot create " + draft);
    if (auto written = write_whole(file.get(), contents, draft); !written) {
        ::unlink(draft.c_str());
        return written;
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) {
        const Error error = errno_error("cannot replace " + path);
        ::unlink(draft.c_str());
        return error;
    }
    return Success{};
}

Result<std::optional<std::string>> read_small_file(const std::string& path, std::optional<uid_t> owner) {
    // O_NONBLOCK: a FIFO that somebody has put there is an error and no wait.
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (!file && errno == ENOENT) return std::optional<std::string>{};
    if (!file) return errno_error("cannot open " + path);
    if (auto good = check_file(file.get(), path, owner); !good) return good.error();
    std::string contents;
    std::array<char, 4096> buffer{};
    while (true) {
        const ssize_t size = ::read(file.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return errno_error("cannot read " + path);
        if (size == 0) return std::optional{std::move(contents)};
        contents.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

bool is_file_at(int fd, const std::string& path) {
    struct stat opened {};
    struct stat found {};
    if (::fstat(fd, &opened) != 0 || ::lstat(path.c_str(), &found) != 0) return false;
    return opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

}  // namespace sup
