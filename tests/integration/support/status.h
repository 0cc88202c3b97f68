// What `sup status --json` and `sup reload --json` say, as plain values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sup::test {

struct WorkerStatus {
    int slot = 0;
    pid_t pid = 0;  // 0: no process now
    std::string state;
    int restarts = 0;
    std::string text;  // "status", what the worker says of itself
    std::int64_t rss_bytes = 0;
    std::optional<std::uint64_t> connections;  // nothing when it does not tell
};

struct GenerationStatus {
    int number = 0;
    std::string state;
    std::string executable;
    bool pinned = false;
    std::vector<WorkerStatus> workers;

    std::vector<pid_t> pids() const;
    bool all_ready() const;
    std::uint64_t connections() const;
};

// The outcome of a reload. A key that is missing makes parsing fail.
struct ReloadReport {
    std::optional<int> generation;
    std::string outcome;
    std::string reason;
    std::vector<std::string> worker_output;
    std::uint64_t handed_over = 0;  // "connections"
    std::uint64_t drained = 0;
    std::uint64_t closed = 0;
};

struct InstanceStatus {
    std::string name;
    pid_t pid = 0;
    std::string state;
    bool degraded = false;
    std::string version;
    std::string config;
    std::vector<std::string> addresses;  // of the listeners, in order
    std::vector<GenerationStatus> generations;
    std::optional<ReloadReport> last_reload;

    const GenerationStatus* generation(int number) const;
    const GenerationStatus* active() const;  // nullptr when there is none
    // One generation, active, all its workers ready, nothing under way.
    bool settled() const;
};

// Throw, with the text, when it is not what the contract says.
InstanceStatus parse_status(const std::string& json);
ReloadReport parse_reload_report(const std::string& json);

struct ListedInstance {
    std::string name;
    pid_t pid = 0;
    std::string state;
    std::string config;
};
std::vector<ListedInstance> parse_list(const std::string& json);

}  // namespace sup::test
