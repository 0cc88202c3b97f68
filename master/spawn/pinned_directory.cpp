#include "master/spawn/pinned_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "master/files/by_descriptor.h"
#include "master/files/real_path.h"

namespace sup {

PinnedDirectory::PinnedDirectory(UniqueFd fd, std::string path)
    : fd_(std::move(fd)), path_(std::move(path)) {}

Result<std::shared_ptr<const PinnedDirectory>> PinnedDirectory::pin(const std::string& path) {
    UniqueFd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    // O_PATH asks for no permission on the directory itself; the worker's fchdir(2) would.
    if (!fd || ::faccessat(fd.get(), "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
        return errno_error("worker.cwd " + path);
    }
    const std::string real = real_path(path_of(fd.get()));
    return std::shared_ptr<const PinnedDirectory>(
        new PinnedDirectory(std::move(fd), real.empty() ? path : real));
}

}  // namespace sup
