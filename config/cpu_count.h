// What `"count": "auto"` means on this machine.
#pragma once

#include <cstdint>

namespace sup::config {

// The CPUs that this process may run on (its affinity mask, so a taskset or cpuset is respected); at least 1.
std::int64_t usable_cpus();

}  // namespace sup::config
