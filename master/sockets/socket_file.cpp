#include "master/sockets/socket_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "config/path.h"
#include "master/files/by_descriptor.h"

namespace sup {
namespace {

constexpr mode_t permissions = 07777;

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool is_entry(int file, int folder, const std::string& name) {
    struct stat ours {};
    struct stat there {};
    return ::fstat(file, &ours) == 0 && ::fstatat(folder, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           same_file(ours, there);
}

Status set_mode(int file, mode_t mode) {
    if (::chmod(path_of(file).c_str(), mode) == 0) return Success{};
    return errno_error("cannot get its mode");
}

// What getsockname(2) will tell workers. To them there is nothing of this name, whatever descriptors they
// have: the master's thread is none of theirs.
std::string own_path_of(int fd) {
    return "/proc/self/task/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd);
}

}  // namespace

SocketFile::SocketFile(std::string path, Unpublished unpublished, UniqueFd file)
    : path_(std::move(path)), unpublished_(std::move(unpublished)), file_(std::move(file)) {}

SocketFile::~SocketFile() {
    if (file_ && !unpublished_) remove();
}

// By the directory's descriptor: nobody can lead that elsewhere, and it leaves room for every name.
Result<SocketFile> SocketFile::bind(int socket, const std::string& path, config::Transport transport) {
    auto place = find_place(path, transport);
    if (!place) return place.error();
    auto directory = PrivateDirectory::make(place->folder.get());
    const auto refused = [&](const std::string& why) {
        return Error{"cannot be bound: " + config::folder_of(path) + ": " + why};
    };
    if (!directory) return refused(directory.error().message);
    const sockaddr_un name = socket_address(own_path_of(directory->fd()) + '/' + directory->entry());
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
        return refused(errno_error("bind").message);
    UniqueFd file{::openat(directory->fd(), directory->entry().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!file) return refused(errno_error("its socket cannot be opened").message);
    return SocketFile(path, {std::move(*place), std::move(*directory)}, std::move(file));
}

// By the file's descriptor: the folder may be one in which somebody else exchanges files. First it lets in
// only who was and is to be let in, so that no group ever gets the other one's rights.
Status SocketFile::set_access(const SocketAccess& access) const {
    struct stat now {};
    if (::fstat(file_.get(), &now) != 0) return errno_error("cannot be examined");
    const mode_t mode = now.st_mode & permissions;
    const uid_t owner = owner_.next(access.owner, now.st_uid);
    const gid_t group = group_.next(access.group, now.st_gid);
    if ((mode & ~access.mode) != 0) {
        if (Status set = set_mode(file_.get(), mode & access.mode); !set) return set;
    }
    const bool other_account = owner != now.st_uid || group != now.st_gid;
    if (other_account && ::fchownat(file_.get(), "", owner, group, AT_EMPTY_PATH) != 0) {
        return errno_error("cannot be given to user " + std::to_string(owner) + ", group " +
                           std::to_string(group));
    }
    return mode == access.mode ? Status{Success{}} : set_mode(file_.get(), access.mode);
}

bool SocketFile::Unpublished::rename(unsigned flags) const {
    return ::renameat2(directory.fd(), directory.entry().c_str(), place.folder.get(), place.name.c_str(),
                       flags) == 0;
}

Status SocketFile::publish() {
    if (unpublished_->place.stale) {
        if (Status replaced = replace_stale(); !replaced) return replaced;
    } else if (!unpublished_->rename(RENAME_NOREPLACE)) {
        if (errno == EEXIST) return Error{"has just appeared: another process is binding it"};
        // The file system cannot do it in one step: NFS, for one.
        if (errno != EINVAL || !unpublished_->rename(0)) return errno_error("cannot be bound: rename");
    }
    unpublished_.reset();
    return Success{};
}

// What comes out must be what was found stale; it then goes with the private directory.
Status SocketFile::replace_stale() const {
    const auto& [place, directory] = *unpublished_;
    if (unpublished_->rename(RENAME_EXCHANGE)) {
        if (is_entry(place.stale.get(), directory.fd(), directory.entry())) return Success{};
        if (!unpublished_->rename(RENAME_EXCHANGE)) unpublished_->rename(RENAME_NOREPLACE);
        return Error{"was a stale socket and is a different file now: another process is binding it"};
    }
    // Removed meanwhile, or a file system that cannot exchange.
    if (errno == ENOENT && unpublished_->rename(RENAME_NOREPLACE)) return Success{};
    if (errno == EINVAL && is_entry(place.stale.get(), place.folder.get(), place.name) &&
        unpublished_->rename(0)) {
        return Success{};
    }
    return errno_error("cannot be bound: rename");
}

bool SocketFile::in_place() const {
    return is_entry(file_.get(), AT_FDCWD, path_);
}

// By the folder's descriptor, so that only what was looked at can be removed, or its successor in that
// folder.
void SocketFile::remove() const {
    const UniqueFd folder{::open(config::folder_of(path_).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    const std::string name = path_.substr(path_.rfind('/') + 1);
    if (folder && is_entry(file_.get(), folder.get(), name)) ::unlinkat(folder.get(), name.c_str(), 0);
}

}  // namespace sup
