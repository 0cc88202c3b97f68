#include "master/process/orphans.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "common/wire.h"
#include "master/process/proc_file.h"

namespace sup {
namespace {

// Deeper than any tree of processes that somebody made on purpose; ends a walk through numbers that were
// given out again meanwhile.
constexpr std::size_t deepest_tree = 64;
constexpr std::chrono::milliseconds facts_are_fresh{100};
constexpr std::size_t most_facts = 4096;

std::optional<std::string> variable_of(pid_t pid, std::string_view name) {
    const auto environment = read_proc_file("/proc/" + std::to_string(pid) + "/environ");
    if (!environment) return std::nullopt;
    const std::string_view all = *environment;
    for (std::size_t at = 0; at < all.size();) {
        const std::string_view one = all.substr(at, all.find('\0', at) - at);
        if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
            return std::string(one.substr(name.size() + 1));
        at += one.size() + 1;
    }
    return std::nullopt;
}

std::string_view folder_of(std::string_view path) {
    return path.substr(0, path.rfind('/') + 1);
}

// A number of a session or group is given to no process while somebody is in it (setsid(2)).
bool is_beside(const ProcessStat& process, const WorkerMarks& worker) {
    return process.pid == worker.pid || process.parent == worker.pid || process.session == worker.pid ||
           process.group == worker.pid;
}

bool was_seen(const ProcessStat& process, const WorkerMarks& worker) {
    return std::ranges::any_of(worker.seen, [&](const ProcessStat& one) {
        return one.pid == process.pid && one.start_time == process.start_time;
    });
}

std::vector<pid_t> sorted(std::vector<pid_t> pids) {
    std::ranges::sort(pids);
    return pids;
}

}  // namespace

std::vector<ProcessStat> Orphans::all() {
    std::vector<ProcessStat> found = children_of(::getpid(), sorted(workers_()));
    add_descendants(found);
    std::unordered_set<pid_t> there;
    for (const ProcessStat& one : found) there.insert(one.pid);
    std::erase_if(facts_, [&](const auto& entry) { return !there.contains(entry.first); });
    return found;
}

// What a process has inherited is only ever lost, so that the first look is the best one.
const Orphans::Facts& Orphans::facts_of(const ProcessStat& process) {
    if (facts_.size() >= most_facts) facts_.clear();
    Facts& facts = facts_[process.pid];
    if (facts.start_time != process.start_time) facts = Facts{.start_time = process.start_time};
    const auto now = std::chrono::steady_clock::now();
    if (facts.read_at != std::chrono::steady_clock::time_point{} && now - facts.read_at < facts_are_fresh)
        return facts;
    facts.read_at = now;
    if (auto path = variable_of(process.pid, wire::notify_socket)) facts.notify_socket = std::move(*path);
    HeldFiles held = files_held_by(process.pid);
    descriptors_looked_at_ += held.looked_at;
    facts.held = std::move(held.pipes_and_sockets);
    return facts;
}

// One that names another worker of this instance is that worker's, whatever pipe it was given.
bool Orphans::bears_mark(const ProcessStat& process, const WorkerMarks& worker) {
    const Facts& facts = facts_of(process);
    if (!facts.notify_socket.empty() && !worker.notify_socket.empty() &&
        folder_of(facts.notify_socket) == folder_of(worker.notify_socket))
        return facts.notify_socket == worker.notify_socket;
    return std::ranges::find_first_of(facts.held, worker.output_pipes) != facts.held.end();
}

bool Orphans::holds(const ProcessStat& process, const std::vector<FileId>& files) {
    const Facts& facts = facts_of(process);
    return std::ranges::find_first_of(facts.held, files) != facts.held.end();
}

bool Orphans::belongs_to(const ProcessStat& process, const WorkerMarks& worker) {
    const pid_t heir = ::getpid();
    std::vector<ProcessStat> line{process};
    for (;;) {
        if (is_beside(line.back(), worker) || was_seen(line.back(), worker)) return true;
        if (line.back().parent == heir) break;
        const auto parent = process_stat(line.back().parent);
        if (!parent || line.size() == deepest_tree) return false;
        line.push_back(*parent);
    }
    const std::vector<pid_t> workers = workers_();
    if (std::ranges::find(workers, line.back().pid) != workers.end()) return false;
    return std::ranges::any_of(line, [&](const ProcessStat& one) { return bears_mark(one, worker); });
}

std::vector<ProcessStat> Orphans::processes_of(const WorkerMarks& worker) {
    std::vector<ProcessStat> found;
    if (const auto main = process_stat(worker.pid)) {
        found.push_back(*main);
        add_descendants(found);
    }
    for (const ProcessStat& one : left_by(worker, {})) found.push_back(one);
    std::erase_if(found, [](const ProcessStat& one) { return one.ended; });
    return found;
}

std::vector<ProcessStat> Orphans::left_by(const WorkerMarks& worker, const IsOnlyItsOwn& is_only_its_own) {
    std::vector<ProcessStat> left;
    std::unordered_set<pid_t> pids;
    for (const ProcessStat& one : all()) {
        if (one.pid == worker.pid) continue;
        const bool is_left = pids.contains(one.parent) || is_beside(one, worker) || was_seen(one, worker) ||
                             (!one.ended && bears_mark(one, worker)) ||
                             (!one.ended && is_only_its_own && is_only_its_own(one));
        if (!is_left) continue;
        pids.insert(one.pid);
        if (!one.ended) left.push_back(one);
    }
    return left;
}

}  // namespace sup
