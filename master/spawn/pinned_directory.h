// A generation's working directory, pinned: where "current" is a symbolic link, the directory that it meant
// when the generation was made.
#pragma once

#include <memory>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

class PinnedDirectory {
public:
    // The error starts with "worker.cwd PATH: ".
    static Result<std::shared_ptr<const PinnedDirectory>> pin(const std::string& path);

    // Without symbolic links.
    const std::string& path() const noexcept { return path_; }
    // An O_PATH descriptor, for fchdir(2).
    int fd() const noexcept { return fd_.get(); }

private:
    PinnedDirectory(UniqueFd fd, std::string path);

    UniqueFd fd_;
    std::string path_;
};

}  // namespace sup
