// The program that a generation runs, pinned: the same file for as long as the generation lives, even when
// another one has been renamed over its path.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

struct ExecutableIdentity {
    std::string path;  // absolute: as configured, or as found in PATH
    // False for a script (#!) and for what only a registered interpreter can run: they run by their path,
    // because the interpreter must open it, and so what lies there at that moment runs.
    bool pinned = false;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    timespec mtime{};
};

class Executable {
public:
    // `command` is absolute, or a bare name that is looked up in the PATH of `environment` ("KEY=value"
    // entries; relative directories in it are passed over). The error starts with "worker COMMAND: ".
    static Result<std::shared_ptr<const Executable>> pin(const std::string& command,
                                                         const std::vector<std::string>& environment);

    const ExecutableIdentity& identity() const noexcept { return identity_; }
    // An O_PATH descriptor.
    int fd() const noexcept { return fd_.get(); }

    // An error when a pinned file was changed in place (device, inode, size, mtime) since it was pinned: what
    // would run is no longer what this generation is. Always fine for what is not pinned.
    Status verify() const;

private:
    Executable(UniqueFd fd, ExecutableIdentity identity);

    UniqueFd fd_;
    ExecutableIdentity identity_;
};

}  // namespace sup
