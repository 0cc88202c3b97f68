#include "config/cpu_quota.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace sup::config {
namespace {

enum class Version { one, two };

// A line of mountinfo, as far as it is about a hierarchy that limits CPU time.
struct Hierarchy {
    Version version = Version::two;
    std::string root;   // the group that is mounted
    std::string mount;  // where
};

bool has_word(const std::string& list, std::string_view word) {
    std::istringstream words{list};
    std::string each;
    while (std::getline(words, each, ',')) {
        if (each == word) return true;
    }
    return false;
}

// "36 35 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"
std::vector<Hierarchy> hierarchies(const std::string& mounts) {
    std::vector<Hierarchy> found;
    std::ifstream file{mounts};
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream before{line};
        std::string word;
        Hierarchy hierarchy;
        before >> word >> word >> word >> hierarchy.root >> hierarchy.mount;
        const std::size_t separator = line.find(" - ");
        if (separator == line.npos) continue;
        std::istringstream after{line.substr(separator + 3)};
        std::string type;
        std::string options;
        after >> type >> word >> options;
        if (type != "cgroup2" && (type != "cgroup" || !has_word(options, "cpu"))) continue;
        hierarchy.version = type == "cgroup2" ? Version::two : Version::one;
        found.push_back(hierarchy);
    }
    return found;
}

// This process's group in that version's hierarchy: "0::/a/b" or "4:cpu,cpuacct:/a/b".
std::optional<std::string> own_group(const std::string& groups, Version version) {
    std::ifstream file{groups};
    std::string line;
    while (std::getline(file, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool is_it = version == Version::two ? controllers.empty() : has_word(controllers, "cpu");
        if (is_it) return line.substr(second + 1);
    }
    return std::nullopt;
}

std::string first_line(const std::string& path) {
    std::string line;
    std::ifstream file{path};
    std::getline(file, line);
    return line;
}

struct Quota {
    std::int64_t quota = 0;  // of each period; at most 0: none
    std::int64_t period = 0;
};

Quota quota_of(const std::string& folder, Version version) {
    Quota read;
    // "max" is not a number: it stays at 0.
    std::istringstream text{version == Version::two ? first_line(folder + "/cpu.max")
                                                    : first_line(folder + "/cpu.cfs_quota_us") + ' ' +
                                                          first_line(folder + "/cpu.cfs_period_us")};
    text >> read.quota >> read.period;
    return read;
}

// The folder of the group, under the mount that shows the hierarchy from `root` on.
std::string folder_of_group(const Hierarchy& hierarchy, const std::string& group) {
    const std::string root = hierarchy.root == "/" ? std::string() : hierarchy.root;
    const bool below = group == root || group.starts_with(root + "/");
    // Seen from another namespace ("/../..") it cannot be found: what is mounted is then the nearest.
    if (!below || group.find("/..") != group.npos) return hierarchy.mount;
    return hierarchy.mount + group.substr(root.size());
}

}  // namespace

std::optional<std::int64_t> cpu_quota(const CgroupFiles& files) {
    std::optional<std::int64_t> tightest;
    for (const Hierarchy& hierarchy : hierarchies(files.mounts)) {
        const auto group = own_group(files.groups, hierarchy.version);
        if (!group) continue;
        std::string folder = folder_of_group(hierarchy, *group);
        while (folder.size() >= hierarchy.mount.size()) {
            const auto [quota, period] = quota_of(folder, hierarchy.version);
            if (quota > 0 && period > 0) {
                const std::int64_t cpus = std::max<std::int64_t>((quota - 1) / period + 1, 1);
                tightest = std::min(tightest.value_or(cpus), cpus);
            }
            folder.resize(std::min(folder.rfind('/'), folder.size()));
            if (folder.empty()) break;
        }
    }
    return tightest;
}

}  // namespace sup::config
