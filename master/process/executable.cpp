#include "master/process/executable.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace sup {
namespace {

enum class Format { program, script, unknown };

Error worker_error(const std::string& command, const std::string& what) {
    return Error{"worker " + command + ": " + what};
}

std::string_view search_path(const std::vector<std::string>& environment) {
    constexpr std::string_view key = "PATH=";
    for (const std::string& entry : environment) {
        if (entry.rfind(key, 0) == 0) return std::string_view{entry}.substr(key.size());
    }
    return "/usr/local/bin:/usr/bin:/bin";
}

struct Opened {
    UniqueFd fd;
    struct stat status {};
};

// Checks what exec would: a regular file that this process may execute, on a file system that allows it.
Result<Opened> open_program(const std::string& path) {
    Opened opened;
    opened.fd = UniqueFd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!opened.fd || ::fstat(opened.fd.get(), &opened.status) != 0) return Error{std::strerror(errno)};
    if (S_ISDIR(opened.status.st_mode)) return Error{"Is a directory"};
    if (!S_ISREG(opened.status.st_mode)) return Error{"Not a regular file"};
    if (::faccessat(opened.fd.get(), "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
        if (errno != EACCES) return Error{std::strerror(errno)};
        const bool has_bit = (opened.status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
        return Error{has_bit ? "Permission denied (mounted noexec, or not for this user)"
                             : "Permission denied (it is not executable: chmod +x)"};
    }
    return opened;
}

struct Found {
    std::string path;
    Opened opened;
};

// Like execvp(3): the first that can be run; what cannot be run is reported only when nothing else is there.
Result<Found> search(const std::string& name, const std::vector<std::string>& environment) {
    std::string_view rest = search_path(environment);
    Error problem{"not found in PATH (" + std::string(rest) + ")"};
    bool unusable = false;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string_view directory = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (directory.empty() || directory.front() != '/') continue;
        std::string path = std::string(directory) + "/" + name;
        if (::access(path.c_str(), F_OK) != 0) continue;
        auto opened = open_program(path);
        if (opened) return Found{std::move(path), std::move(*opened)};
        if (!unusable) problem = Error{path + ": " + opened.error().message};
        unusable = true;
    }
    return problem;
}

Result<Found> find(const std::string& command, const std::vector<std::string>& environment) {
    if (command.find('/') == std::string::npos) return search(command, environment);
    auto opened = open_program(command);
    if (!opened) return opened.error();
    return Found{command, std::move(*opened)};
}

// By the first bytes. A program that may be executed and not read is taken for a program: an interpreter
// could not read a script either.
Format format_of(int fd) {
    const UniqueFd readable{
        ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC)};
    if (!readable) return Format::program;
    std::array<char, SELFMAG> start{};
    const ssize_t size = ::pread(readable.get(), start.data(), start.size(), 0);
    const std::string_view bytes{start.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    if (bytes == std::string_view{ELFMAG, SELFMAG}) return Format::program;
    return bytes.substr(0, 2) == "#!" ? Format::script : Format::unknown;
}

ExecutableIdentity identify(const std::string& path, bool pinned, const struct stat& status) {
    return {path,          pinned, status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
            status.st_mtim};
}

bool same_file(const ExecutableIdentity& a, const ExecutableIdentity& b) {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.mtime.tv_sec == b.mtime.tv_sec && a.mtime.tv_nsec == b.mtime.tv_nsec;
}

}  // namespace

Executable::Executable(UniqueFd fd, ExecutableIdentity identity)
    : fd_(std::move(fd)), identity_(std::move(identity)) {}

Result<std::shared_ptr<const Executable>> Executable::pin(const std::string& command,
                                                          const std::vector<std::string>& environment) {
    auto found = find(command, environment);
    if (!found) return worker_error(command, found.error().message);
    Opened& opened = found->opened;
    if (opened.status.st_size == 0) return worker_error(command, "Exec format error: the file is empty");
    const bool pinned = format_of(opened.fd.get()) == Format::program;
    return std::shared_ptr<const Executable>(
        new Executable(std::move(opened.fd), identify(found->path, pinned, opened.status)));
}

Status Executable::verify() const {
    if (!identity_.pinned) return Success{};
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return errno_error("worker " + identity_.path + ": fstat");
    if (same_file(identity_, identify(identity_.path, true, status))) return Success{};
    return worker_error(
        identity_.path,
        "the file was changed in place since this generation was made, and is not what it pinned any more; "
        "replace a binary by renaming a new file over it (mv, install), and reload");
}

}  // namespace sup
