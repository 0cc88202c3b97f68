// The folder of one instance, and the lock that makes sure that one name never has two masters.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "master/runtime/instance_paths.h"

namespace sup {

// Owns the lock of an instance's folder. The lock is flock(2)'s, which belongs to the open file description:
// it survives fork and exec, and ends when the last copy of the descriptor is closed, so a process that dies
// in any way lets go of it. The folder itself is locked, too: it keeps the name when somebody removes the
// lock file, and tells systemd-tmpfiles to leave what is in it alone (tmpfiles.d(5)). Workers must not
// inherit the descriptors. Destroying the object closes the descriptors and removes nothing.
class InstanceDirectory {
public:
    // Makes the folder where it is missing and takes the lock, without waiting. What a dead master left
    // behind is still there: look at its live record, then call clear_stale(). An error says who holds the
    // name ("instance hello is already running (pid 4711)") or what is in the way.
    static Result<InstanceDirectory> claim(const std::string& runtime_directory, const std::string& name);

    const std::string& name() const noexcept { return name_; }
    const InstancePaths& paths() const noexcept { return paths_; }
    // Close-on-exec, as everything here; a background start keeps it open across its fork.
    std::array<int, 2> lock_descriptors() const noexcept { return {lock_.get(), folder_.get()}; }

    // Removes the pid file, the sockets and the record of live workers of a dead master, and the log that a
    // failed start has left beside the folder. The log in the folder stays.
    Status clear_stale();

    // Atomically; called by the master itself, before it answers on its control socket.
    Status write_pid(pid_t pid);

    // Where somebody has removed the folder under its living master: makes it again, and the runtime
    // directory, and takes the lock of the new one, so that the name is this master's still or again. False:
    // the folder is where it was. An error where another master has taken the name meanwhile, or has died and
    // left workers.
    Result<bool> restore();

    // Moves the log in the folder to where remove_all() leaves it and the next start removes it. An error
    // where there is none, or where the folder is not this master's any more.
    Status keep_log();

    // The orderly end: removes every file of this instance, the log in the folder included, the lock last,
    // and then the folder. Files that are not sup's stay, and so does then the folder. Doing it again does
    // nothing. The lock itself is held until destruction.
    Status remove_all();

private:
    InstanceDirectory(std::string name, InstancePaths paths, UniqueFd lock, UniqueFd folder);

    std::string name_;
    InstancePaths paths_;
    UniqueFd lock_;
    UniqueFd folder_;
};

// What can be seen of an instance from outside, without disturbing it.
struct InstanceState {
    bool folder = false;  // there is a folder of this name
    bool locked =
        false;      // a master lives, or one is being started; also when it cannot be told (another user's)
    pid_t pid = 0;  // from the pid file; 0: there is none. Means nothing unless locked
};
InstanceState probe_instance(const InstancePaths& paths);

// Names that have a folder here, sorted; whether they run is another question. A folder that is not there has
// none.
Result<std::vector<std::string>> instance_names(const std::string& runtime_directory);

// [A-Za-z0-9._-]{1,64}, neither "." nor "..": what may be joined to a path.
bool is_instance_name(const std::string& name);

}  // namespace sup
