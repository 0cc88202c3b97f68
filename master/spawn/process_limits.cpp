#include "master/spawn/process_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <sstream>
#include <vector>

#include "master/process/proc_file.h"

namespace sup {
namespace {

std::optional<unsigned long> number_in(const std::string& file) {
    const auto text = read_proc_file(file);
    if (!text) return std::nullopt;
    unsigned long number = 0;
    const auto [rest, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (problem != std::errc{} || rest == text->data()) return std::nullopt;  // "max"
    return number;
}

// Of "0::/a/b" (version 2) or "7:pids:/a/b" (version 1, which has a folder for each controller).
std::optional<std::filesystem::path> folder_of_pids(const std::string& proc_cgroup,
                                                    const std::string& mount) {
    std::istringstream lines{proc_cgroup};
    std::optional<std::filesystem::path> unified;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers == "pids") return std::filesystem::path(mount).concat("/pids").concat(path);
        if (controllers.empty()) unified = std::filesystem::path(mount + path);
    }
    return unified;
}

std::string user_limit() {
    rlimit limit{};
    if (::geteuid() == 0 || ::getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return {};
    return "user " + std::to_string(::geteuid()) + " may have " + std::to_string(limit.rlim_cur) +
           " processes and threads (RLIMIT_NPROC: ulimit -u, LimitNPROC=)";
}

std::string machine_limit() {
    const auto pids = number_in("/proc/sys/kernel/pid_max");
    const auto threads = number_in("/proc/sys/kernel/threads-max");
    if (!pids || !threads) return {};
    return "the machine may have " + std::to_string(std::min(*pids, *threads)) +
           " (kernel.pid_max, kernel.threads-max)";
}

}  // namespace

std::string cgroup_limit(const std::string& proc_cgroup, const std::string& mount) {
    const auto own = folder_of_pids(proc_cgroup, mount);
    if (!own) return {};
    std::optional<unsigned long> smallest;
    std::string words;
    for (std::filesystem::path folder = own->lexically_normal(); folder.string().size() >= mount.size();
         folder = folder.parent_path()) {
        const auto limit = number_in((folder / "pids.max").string());
        if (!limit || (smallest && *smallest <= *limit)) continue;
        smallest = limit;
        words = "the cgroup " + folder.string() + " may have " + std::to_string(*limit) + " (pids.max)";
        if (const auto now = number_in((folder / "pids.current").string()))
            words += " and has " + std::to_string(*now);
    }
    return words;
}

std::string limits_in_the_way(int error_number) {
    if (error_number == ENOMEM)
        return "; there is no memory for it (of the machine, or memory.max of the cgroup)";
    if (error_number != EAGAIN) return {};
    std::string text;
    for (const std::string& limit :
         {user_limit(), cgroup_limit(read_proc_file("/proc/self/cgroup").value_or(""), "/sys/fs/cgroup"),
          machine_limit()}) {
        if (!limit.empty()) text += (text.empty() ? "; it may be a limit: " : ", ") + limit;
    }
    return text;
}

}  // namespace sup
