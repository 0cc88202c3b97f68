// The record of live workers: what a later `sup` needs to find the workers of a master that was killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.h"
#include "common/result.h"
#include "master/core/ids.h"
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

// Writes the whole record anew, by rename, so that a reader sees either the old or the new one.
Status write_live_record(const std::string& path, const LiveRecord& record);
// An empty optional: there is no record. A record that cannot be understood is an error that names the file,
// and so is one of another user: what it names is going to be signalled, by root perhaps.
Result<std::optional<LiveRecord>> read_live_record(const std::string& path);

// Those of the record that still are the same processes.
std::vector<LiveWorker> still_alive(const LiveRecord& record);

// Kept by the master. Changes are collected in memory, and save() writes them as one: a write costs as much
// as the record is long, so the master saves once for all that it does in one turn, and before it waits for
// anything.
class LiveRecorder {
public:
    // `path` is InstancePaths::live_workers. The master is the calling process. Writes nothing yet.
    LiveRecorder(std::string path, int drain_signal, Duration drain_timeout);

    // After a reload changed them.
    void set_drain(int signal, Duration timeout);

    // Called right after the spawn, while the worker cannot have been reaped. Saves by itself after every
    // 64th, so that a master killed while it spawns thousands leaves few unrecorded.
    Status add(pid_t pid, std::uint32_t generation, core::Slot slot);
    // After the worker was reaped. A pid that is not recorded is ignored. This alone gives save() nothing to
    // do: until the next write the file names a worker that has ended, which still_alive() tells from a live
    // one, and so the end of many workers costs no writes at all.
    void remove(pid_t pid);

    // Writes the record if a worker was added or the drain was changed since the last write. An error leaves
    // that to the next call.
    Status save();

    const LiveRecord& record() const noexcept { return record_; }

private:
    static constexpr int most_unsaved = 64;

    std::string path_;
    LiveRecord record_;
    int unsaved_ = 0;
    bool dirty_ = false;  // the file lacks something that a reader needs
};

}  // namespace sup
