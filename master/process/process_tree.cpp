#include "master/process/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_set>

#include "master/process/proc_file.h"

namespace sup {
namespace {

// A process that starts more than these must not keep us looking.
constexpr std::size_t most_processes = 4096;

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

}  // namespace

std::vector<ProcessStat> children_of(pid_t parent, const std::vector<pid_t>& except) {
    auto pids = told_children(parent);
    if (!pids) pids = numbers_in("/proc");
    std::vector<ProcessStat> children;
    for (const pid_t pid : *pids) {
        if (std::ranges::binary_search(except, pid)) continue;
        const auto stat = process_stat(pid);
        if (stat && stat->parent == parent) children.push_back(*stat);
    }
    return children;
}

void add_descendants(std::vector<ProcessStat>& processes) {
    std::unordered_set<pid_t> known;
    for (const ProcessStat& one : processes) known.insert(one.pid);
    for (std::size_t next = 0; next < processes.size(); ++next) {
        for (const ProcessStat& child : children_of(processes[next].pid)) {
            if (processes.size() >= most_processes) return;
            if (known.insert(child.pid).second) processes.push_back(child);
        }
    }
}

std::vector<ProcessStat> descendants_of(pid_t ancestor) {
    std::vector<ProcessStat> found = children_of(ancestor);
    add_descendants(found);
    return found;
}

}  // namespace sup
