// Which limits keep a process from starting another one.
#pragma once

#include <string>

namespace sup {

// For the error that clone(2) has returned: "; it may be …", with the limits that are set and could be it, or
// an empty text. `EAGAIN`: processes of the user, of the cgroup, of the machine; `ENOMEM`: memory.
std::string limits_in_the_way(int error_number);

// The smallest pids.max on the way from a cgroup to the root, in words; empty: none. `proc_cgroup` is what
// /proc/self/cgroup says, `mount` where cgroups are (normally /sys/fs/cgroup).
std::string cgroup_limit(const std::string& proc_cgroup, const std::string& mount);

}  // namespace sup
