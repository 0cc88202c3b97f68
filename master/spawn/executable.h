// The program that a generation runs, resolved once: the same file for as long as the generation lives, even
// when another one has been renamed over its path, or a link on the way to it leads elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/files/file_identity.h"
#include "master/spawn/named_file.h"

namespace sup {

struct ExecutableIdentity {
    std::string path;      // absolute: its folder by the real path, its last name as configured
    std::string found_at;  // absolute: as configured, or as found in PATH
    // False for a script (#!) and for what only a registered interpreter can run: they run by their path,
    // because the interpreter must open it, and so what lies there at that moment runs.
    bool pinned = false;
    FileIdentity file;
};

// How to run it now.
struct Launch {
    int descriptor = -1;  // an O_PATH descriptor of the program; -1: by path
    // The interpreter opens the program by the descriptor, which therefore stays open: nothing is at its path
    // any more.
    bool stays_open = false;
    std::string path;
    std::vector<std::string> leading;  // argv up to the configured arguments
};

class Executable {
public:
    // `command` is absolute, or a bare name that is looked up in the PATH of `environment` ("KEY=value"
    // entries; relative directories in it are passed over). `folder` is the worker's working directory, where
    // a script's relative interpreter starts. What exec would refuse is refused. The error starts with
    // "worker COMMAND: ".
    static Result<std::shared_ptr<const Executable>> pin(const std::string& command,
                                                         const std::vector<std::string>& environment,
                                                         const std::string& folder = "/");

    const ExecutableIdentity& identity() const noexcept { return identity_; }
    // An O_PATH descriptor.
    int fd() const noexcept { return fd_.get(); }

    Launch launch() const;

    // Why what launch() runs is not what was pinned, in a sentence without a full stop: somebody wrote into
    // the file, or put another script in its place. None when it is the same; a new time alone is no change.
    std::optional<std::string> change() const;

private:
    Executable(UniqueFd fd, ExecutableIdentity identity);

    static Result<std::shared_ptr<Executable>> pin_file(const std::string& command,
                                                        const std::vector<std::string>& environment,
                                                        const std::string& folder, int depth);
    Launch launch_script() const;

    UniqueFd fd_;
    ExecutableIdentity identity_;
    Fingerprint fingerprint_;                        // of a pinned program
    std::optional<NamedFile> script_;                // of all others
    std::string name_;                               // argv[0]
    std::shared_ptr<const Executable> interpreter_;  // of a script that names it by a link that may move
    std::vector<std::string> interpreter_arguments_;
};

}  // namespace sup
