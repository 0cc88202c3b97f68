#include "master/spawn/named_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/unique_fd.h"
#include "master/files/real_path.h"

namespace sup {
namespace {

std::optional<FileIdentity> identity_at(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return identity_of(status);
}

}  // namespace

std::optional<NamedFile> NamedFile::at(const std::string& path) {
    const UniqueFd fd{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    NamedFile file;
    file.name_ = in_real_folder(path);
    file.real_ = real_path(path);
    file.identity_ = identity_of(status);
    file.fingerprint_ = fingerprint_of(fd.get());
    return file;
}

std::string NamedFile::path_now() const {
    const auto leads_to_it = [this](const std::string& path) {
        const auto found = identity_at(path);
        return found && is_same_file(*found, identity_);
    };
    return !leads_to_it(name_) && leads_to_it(real_) ? real_ : name_;
}

bool NamedFile::is_there() const {
    return identity_at(path_now()).has_value();
}

bool NamedFile::is_changed() const {
    const UniqueFd fd{::open(path_now().c_str(), O_PATH | O_CLOEXEC)};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return false;
    if (is_untouched(identity_of(status), identity_)) return false;
    return fingerprint_of(fd.get()) != fingerprint_ || !fingerprint_;
}

}  // namespace sup
