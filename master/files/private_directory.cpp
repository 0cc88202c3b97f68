#include "master/files/private_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

namespace sup {
namespace {

std::string random_name() {
    char text[16];
    std::snprintf(text, sizeof text, ".sup-%08x", static_cast<unsigned>(std::random_device{}()));
    return text;
}

// Somebody may have put another one there. One of our own that lets nobody else in would do, too: nobody else
// can move it here (rename(2) of a directory to another folder writes its "..").
bool is_private(int directory) {
    struct stat found {};
    return ::fstat(directory, &found) == 0 && found.st_uid == ::geteuid() &&
           (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

}  // namespace

PrivateDirectory::PrivateDirectory(int folder, std::string name, UniqueFd directory)
    : folder_(folder), name_(std::move(name)), directory_(std::move(directory)) {}

Result<PrivateDirectory> PrivateDirectory::make(int folder) {
    for (int attempt = 0;; ++attempt) {
        std::string name = random_name();
        if (::mkdirat(folder, name.c_str(), S_IRWXU) != 0) {
            if (errno == EEXIST && attempt < 100) continue;
            return errno_error("no directory can be made there");
        }
        UniqueFd directory{::openat(folder, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!directory) {
            const Error error = errno_error("a directory made there cannot be opened");
            ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
            return error;
        }
        if (!is_private(directory.get())) {
            ::unlinkat(folder, name.c_str(), AT_REMOVEDIR);
            return Error{"a directory made there does not belong to its maker"};
        }
        return PrivateDirectory(folder, std::move(name), std::move(directory));
    }
}

PrivateDirectory::~PrivateDirectory() {
    if (!directory_) return;
    ::unlinkat(directory_.get(), name_.c_str(), 0);
    ::unlinkat(folder_, name_.c_str(), AT_REMOVEDIR);
}

}  // namespace sup
