// How much CPU time the control groups of this process allow, as containers are limited.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sup::config {

// Where the kernel lists control groups.
struct CgroupFiles {
    std::string groups = "/proc/self/cgroup";     // cgroups(7)
    std::string mounts = "/proc/self/mountinfo";  // proc_pid_mountinfo(5)
};

// The tightest quota of this process's control group and those above it, in CPUs, rounded up: 2 for 150 %. At
// least
// 1. None where there is no quota. Of version 2 (cpu.max) and of version 1 (cpu.cfs_quota_us).
std::optional<std::int64_t> cpu_quota(const CgroupFiles& files = {});

}  // namespace sup::config
