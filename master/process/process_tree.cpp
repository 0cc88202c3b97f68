#include "master/process/process_tree.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>

#include "master/process/proc_file.h"

namespace sup {
namespace {

// Deeper than any tree of processes that somebody made on purpose; ends a walk through numbers that were
// given out again meanwhile.
constexpr int deepest_tree = 64;

// The names in a folder that are numbers.
std::vector<pid_t> numbers_in(const std::string& folder) {
    std::vector<pid_t> numbers;
    std::error_code gone;
    for (std::filesystem::directory_iterator entry(folder, gone), end; !gone && entry != end;
         entry.increment(gone)) {
        const std::string name = entry->path().filename().string();
        pid_t number = 0;
        const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (problem == std::errc{} && rest == name.data() + name.size()) numbers.push_back(number);
    }
    return numbers;
}

// Each thread has the children that it made. None: this kernel does not tell (CONFIG_PROC_CHILDREN).
std::optional<std::vector<pid_t>> told_children(pid_t parent) {
    const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
    std::vector<pid_t> children;
    for (const pid_t task : numbers_in(tasks)) {
        const std::string file = tasks + "/" + std::to_string(task) + "/children";
        const auto list = read_proc_file(file);
        if (!list) {
            if (::access(file.c_str(), F_OK) != 0 &&
                ::access((tasks + "/" + std::to_string(task)).c_str(), F_OK) == 0)
                return std::nullopt;
            continue;
        }
        std::istringstream pids{*list};
        for (pid_t pid = 0; pids >> pid;) children.push_back(pid);
    }
    return children;
}

bool has_environment_entry(pid_t pid, const std::string& entry) {
    const auto environment = read_proc_file("/proc/" + std::to_string(pid) + "/environ");
    if (!environment) return false;
    const std::string_view all = *environment;
    for (std::size_t at = 0; at < all.size();) {
        const std::string_view one = all.substr(at, all.find('\0', at) - at);
        if (one == entry) return true;
        at += one.size() + 1;
    }
    return false;
}

bool holds_pipe(pid_t pid, const std::vector<ino_t>& pipes) {
    if (pipes.empty()) return false;
    const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
    return std::ranges::any_of(numbers_in(folder), [&](pid_t fd) {
        struct stat file {};
        return ::stat((folder + "/" + std::to_string(fd)).c_str(), &file) == 0 && S_ISFIFO(file.st_mode) &&
               std::ranges::find(pipes, file.st_ino) != pipes.end();
    });
}

bool bears_mark(const ProcessStat& process, const WorkerMarks& worker) {
    const bool named = !worker.notify_socket.empty() &&
                       has_environment_entry(process.pid, "NOTIFY_SOCKET=" + worker.notify_socket);
    return named || holds_pipe(process.pid, worker.output_pipes);
}

// A number of a session or group is given to no process while somebody is in it (setsid(2)).
bool is_beside(const ProcessStat& process, const WorkerMarks& worker) {
    return process.pid == worker.pid || process.parent == worker.pid || process.session == worker.pid ||
           process.group == worker.pid;
}

}  // namespace

std::vector<ProcessStat> children_of(pid_t parent) {
    auto pids = told_children(parent);
    if (!pids) pids = numbers_in("/proc");
    std::vector<ProcessStat> children;
    for (const pid_t pid : *pids) {
        const auto stat = process_stat(pid);
        if (stat && stat->parent == parent) children.push_back(*stat);
    }
    return children;
}

std::vector<ProcessStat> descendants_of(pid_t ancestor) {
    std::vector<ProcessStat> found = children_of(ancestor);
    for (std::size_t next = 0; next < found.size(); ++next) {
        for (const ProcessStat& child : children_of(found[next].pid)) {
            if (std::ranges::find(found, child.pid, &ProcessStat::pid) == found.end()) found.push_back(child);
        }
    }
    return found;
}

bool belongs_to(const ProcessStat& process, const WorkerMarks& worker) {
    const pid_t heir = ::getpid();
    std::vector<ProcessStat> line{process};
    for (;;) {
        if (is_beside(line.back(), worker)) return true;
        if (line.back().parent == heir) break;
        const auto parent = process_stat(line.back().parent);
        if (!parent || line.size() == deepest_tree) return false;
        line.push_back(*parent);
    }
    return std::ranges::any_of(line, [&](const ProcessStat& one) { return bears_mark(one, worker); });
}

std::vector<ProcessStat> processes_of(const WorkerMarks& worker) {
    std::vector<ProcessStat> found;
    if (const auto main = process_stat(worker.pid)) found.push_back(*main);
    for (const ProcessStat& one : descendants_of(::getpid())) {
        if (one.pid != worker.pid && belongs_to(one, worker)) found.push_back(one);
    }
    std::erase_if(found, [](const ProcessStat& one) { return one.ended; });
    return found;
}

}  // namespace sup
