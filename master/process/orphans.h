// The processes that have become this one's children because their parents ended
// (PR_SET_CHILD_SUBREAPER), what is below them, and which worker they are of.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "master/process/held_files.h"
#include "master/process/process_tree.h"

namespace sup {

// What a process of a worker has of it, wherever it has gone.
struct WorkerMarks {
    pid_t pid = 0;                       // the main process: it leads a session (setsid(2))
    std::string notify_socket{};         // path; it stands in the environment
    std::vector<FileId> output_pipes{};  // that it may still hold
    std::vector<ProcessStat> seen{};     // processes that were its own at an earlier look
};

// Main thread only. Workers in hand have their own processes, and are never taken for another's: of what is
// below them nothing but its place is looked at, and only orphans are asked for marks. What one look at a
// process costs is bounded (held_files.h), and who is looked at again at once is not read again.
class Orphans {
public:
    // Whether a process that bears none of the worker's marks can be nobody else's all the same.
    using IsOnlyItsOwn = std::function<bool(const ProcessStat&)>;

    // `workers` tells the main processes, reaped ones excepted, of all workers that this process has.
    explicit Orphans(std::function<std::vector<pid_t>()> workers) : workers_(std::move(workers)) {}
    Orphans(const Orphans&) = delete;
    Orphans& operator=(const Orphans&) = delete;

    // Orphans, and what descends from them; a parent comes before its children. Also zombies.
    std::vector<ProcessStat> all();
    // Whether a process is the worker's: its main process, of its session or group, a descendant, seen to be
    // its own, or an orphan that bears a mark of it, or whose ancestor does.
    bool belongs_to(const ProcessStat& process, const WorkerMarks& worker);
    // All living ones, the main process first.
    std::vector<ProcessStat> processes_of(const WorkerMarks& worker);
    // Of a worker that has ended: those orphans that belong to it, and what descends from them.
    std::vector<ProcessStat> left_by(const WorkerMarks& worker, const IsOnlyItsOwn& is_only_its_own);
    // Whether it holds one of these.
    bool holds(const ProcessStat& process, const std::vector<FileId>& files);

    // Descriptors of other processes, since the beginning: what looking has cost.
    std::uint64_t descriptors_looked_at() const noexcept { return descriptors_looked_at_; }

private:
    struct Facts {
        std::uint64_t start_time = 0;
        std::chrono::steady_clock::time_point read_at{};
        std::string notify_socket{};  // also when it has since begun another program, without
        std::vector<FileId> held{};
    };
    const Facts& facts_of(const ProcessStat& process);
    bool bears_mark(const ProcessStat& process, const WorkerMarks& worker);

    std::function<std::vector<pid_t>()> workers_;
    std::unordered_map<pid_t, Facts> facts_;
    std::uint64_t descriptors_looked_at_ = 0;
};

}  // namespace sup
