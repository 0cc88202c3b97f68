// Which processes descend from which, and which of them are a worker's. Looks at /proc anew at each call:
// what it says was true a moment ago.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "master/process/process_status.h"

namespace sup {

// Those that it is the parent of, also zombies.
std::vector<ProcessStat> children_of(pid_t parent);
// Children, their children and so on; a parent comes before its children.
std::vector<ProcessStat> descendants_of(pid_t ancestor);

// What a process of a worker has of it, wherever it has gone.
struct WorkerMarks {
    pid_t pid = 0;                      // the main process: it leads a session (setsid(2))
    std::string notify_socket;          // path; it stands in the environment
    std::vector<ino_t> output_pipes{};  // that it may still hold
};

// Whether a process is the worker's: its main process, of its session or group, a descendant, or a descendant
// of this process (the heir of orphans, PR_SET_CHILD_SUBREAPER) that bears a mark, or whose ancestor does.
bool belongs_to(const ProcessStat& process, const WorkerMarks& worker);

// All living ones, the main process first.
std::vector<ProcessStat> processes_of(const WorkerMarks& worker);

}  // namespace sup
