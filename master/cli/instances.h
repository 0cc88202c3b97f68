// Which instances there are, and which one a command means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "master/cli/exit_code.h"
#include "master/runtime/instance_directory.h"
#include "master/runtime/live_record.h"

namespace sup::cli {

// What a name stands for.
struct Found {
    std::string name;
    std::string runtime_directory;
    InstancePaths paths;
    bool running = false;              // a master lives, or is being started
    pid_t pid = 0;                     // of that master; 0 when it is not known
    std::optional<LiveRecord> record;  // of a dead master
    std::vector<LiveWorker> orphans;   // workers of a dead master that still live
    std::string damage{};              // why its record cannot be read, so that such workers have no names
};

// What there is, running or not, sorted by name, and where it was looked for.
struct Instances {
    std::string runtime_directory;
    std::vector<Found> found;
};

// One name, whether there is such a folder or not.
Found look_at(const std::string& runtime_directory, const std::string& name);
Result<Instances, CommandError> find_instances();

// The one that is meant by NAME, or by an empty name: the one that runs, else the one whose workers outlived
// its master. Nothing of the kind is ExitCode::not_running, several are ExitCode::usage and listed.
Result<Found, CommandError> choose_instance(const std::string& name);
Result<Found, CommandError> choose_among(const Instances& instances);

// "WHAT is running in /run/sup; …": where was looked, what is wrong there, and why one may be elsewhere.
std::string describe_absence(const std::string& what, const std::string& runtime_directory);

// "worker 123", "workers 123, 124 and 125": by their pids.
std::string describe_workers(const std::vector<LiveWorker>& workers);

}  // namespace sup::cli
