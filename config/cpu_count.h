// What `"count": "auto"` means on this machine.
#pragma once

#include <cstdint>

namespace sup::config {

// The CPUs that this process may run on (its affinity mask, so a taskset or cpuset is respected), and no more
// than the quota of its control groups allows; at least 1.
std::int64_t usable_cpus();

}  // namespace sup::config
