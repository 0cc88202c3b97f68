#include "master/runtime/runtime_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "master/runtime/path_hands.h"

namespace sup {
namespace {

std::optional<std::string> variable(const char* name) {
    const char* value = ::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
}

std::string absolute(const std::string& path) {
    std::error_code ignored;  // without a working directory a relative path stays as it is
    const auto whole = std::filesystem::absolute(path, ignored).lexically_normal();
    std::string text = whole.empty() ? path : whole.string();
    while (text.size() > 1 && text.back() == '/') text.pop_back();
    return text;
}

std::string parent_of(const std::string& path) {
    return std::filesystem::path(path).parent_path().string();
}

Error parent_error(const std::string& path) {
    const std::string parent = parent_of(path);
    struct stat status {};
    const std::string what = "cannot create the runtime directory " + path + ": ";
    if (::stat(parent.c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) {
        return Error{what + parent + " is not a directory; set SUP_RUNTIME_DIR to another place"};
    }
    if (errno == ENOTDIR) {
        return Error{what + "a part of " + parent +
                     " is not a directory; set SUP_RUNTIME_DIR to another place"};
    }
    return Error{what + parent + " does not exist; create it, or set SUP_RUNTIME_DIR to another place"};
}

Status check_owner(const RuntimeDirectory& directory, const struct stat& status) {
    if (status.st_uid == ::geteuid()) return Success{};
    return Error{"the runtime directory " + directory.path + " belongs to user " +
                 std::to_string(status.st_uid) + "; remove it, or set SUP_RUNTIME_DIR to another place"};
}

// The folder itself, not what a symbolic link points at, where anybody could have put one.
Status check_directory(const RuntimeDirectory& directory, const struct stat& status) {
    const std::string what = "the runtime directory " + directory.path + " ";
    const std::string hint = "; remove it, or set SUP_RUNTIME_DIR to another place";
    if (S_ISLNK(status.st_mode)) return Error{what + "is a symbolic link" + hint};
    if (!S_ISDIR(status.st_mode)) return Error{what + "is not a directory" + hint};
    if (directory.shared) {
        if (auto own = check_owner(directory, status); !own) return own;
        if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
            return Error{what + "can be written to by others" + hint};
    }
    return check_hands(directory.path, status.st_uid);
}

int look_at(const RuntimeDirectory& directory, struct stat& status) {
    return directory.shared ? ::lstat(directory.path.c_str(), &status)
                            : ::stat(directory.path.c_str(), &status);
}

}  // namespace

RuntimeEnvironment current_runtime_environment() {
    return {variable("SUP_RUNTIME_DIR"), variable("XDG_RUNTIME_DIR"), ::geteuid()};
}

RuntimeDirectory choose_runtime_directory(const RuntimeEnvironment& environment) {
    const std::string own = environment.sup_runtime_dir.value_or("");
    const std::string session = environment.xdg_runtime_dir.value_or("");
    if (!own.empty()) return {absolute(own), false};
    if (environment.uid == 0) return {"/run/sup", false};
    if (!session.empty()) return {absolute(session) + "/sup", false};
    return {"/tmp/sup-" + std::to_string(environment.uid), true};
}

Status create_runtime_directory(const RuntimeDirectory& directory) {
    const mode_t mode = ::geteuid() == 0 ? 0755 : 0700;
    if (::mkdir(directory.path.c_str(), mode) == 0) {
        // The umask may have taken what workers of other users need.
        if (::chmod(directory.path.c_str(), mode) != 0)
            return errno_error("cannot set the mode of " + directory.path);
    } else if (errno == ENOENT || errno == ENOTDIR) {
        return parent_error(directory.path);
    } else if (errno != EEXIST) {
        return errno_error("cannot create the runtime directory " + directory.path);
    }
    struct stat status {};
    if (look_at(directory, status) != 0)
        return errno_error("cannot use the runtime directory " + directory.path);
    if (auto checked = check_directory(directory, status); !checked) return checked;
    return check_owner(directory, status);
}

Result<bool> runtime_directory_exists(const RuntimeDirectory& directory) {
    struct stat status {};
    if (look_at(directory, status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return errno_error("cannot use the runtime directory " + directory.path);
    }
    if (auto checked = check_directory(directory, status); !checked) return checked.error();
    return true;
}

}  // namespace sup
