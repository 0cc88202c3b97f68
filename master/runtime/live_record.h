// The record of live workers: what a later `sup` needs to find the workers of a master that was killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "master/core/ids.h"
#include "master/process/birth_note.h"
#include "master/runtime/process_identity.h"

namespace sup {

struct LiveWorker {
    ProcessIdentity process;  // leads its process group
    std::uint32_t generation = 0;
    core::Slot slot = 0;

    friend bool operator==(const LiveWorker&, const LiveWorker&) = default;
};

struct LiveRecord {
    std::string boot_id;  // /proc/sys/kernel/random/boot_id: after a reboot nothing of it lives
    ProcessIdentity master;
    int drain_signal = 15;
    Duration drain_timeout{30'000};
    std::vector<LiveWorker> workers;

    friend bool operator==(const LiveRecord&, const LiveRecord&) = default;
};

// Writes the whole record anew, by rename, so that a reader sees either the old or the new one; with room for
// as many workers again and some more, so that recording them needs no new space on the file system.
Status write_live_record(const std::string& path, const LiveRecord& record);
// An empty optional: there is no record. A record that cannot be understood is an error that names the file,
// and so is one of another user: what it names is going to be signalled, by root perhaps.
Result<std::optional<LiveRecord>> read_live_record(const std::string& path);

// Those of the record that still are the same processes.
std::vector<LiveWorker> still_alive(const LiveRecord& record);

// Kept by the master. The file is a table with a line for each worker, and it is the worker's own process
// that fills its line in, before it is anything else: there is no moment at which the master can be killed
// and leave a worker that is not recorded. What could not be written (a full file system, a folder that is
// gone) stays in memory, and the next reserve() or save() writes the whole file.
class LiveRecorder {
public:
    // `path` is InstancePaths::live_workers. The master is the calling process. Writes nothing yet.
    LiveRecorder(std::string path, int drain_signal, Duration drain_timeout);

    // After a reload changed them.
    void set_drain(int signal, Duration timeout);

    // For the spawn that comes next, and for no later one. None: the file cannot be written now.
    std::optional<BirthNote> reserve(std::uint32_t generation, core::Slot slot);
    // Called right after that spawn, while the worker cannot have been reaped. `noted`: it has written its
    // note.
    void add(pid_t pid, std::uint32_t generation, core::Slot slot, bool noted);
    // After the worker was reaped. A pid that is not recorded is ignored. Writes nothing: until its line is
    // used again the file names a worker that has ended, which still_alive() tells from a live one.
    void remove(pid_t pid);

    // The same, and where somebody has removed the file.
    Status restore();
    // Writes the file if there is none yet, or if it lacks something. An error leaves that to the next call.
    Status save();

    LiveRecord record() const;

private:
    Status save_anew();

    std::string path_;
    LiveRecord header_;                            // without workers
    std::vector<std::optional<LiveWorker>> rows_;  // by their place in the file
    std::vector<LiveWorker> unwritten_;            // have no place in it
    UniqueFd file_;
    std::size_t reserved_ = 0;  // row
    bool complete_ = false;     // the file holds everything that a reader needs
};

}  // namespace sup
