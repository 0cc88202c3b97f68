#include "config/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "config/cpu_quota.h"

namespace sup::config {
namespace {

struct FreeCpuSet {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

// The kernel refuses (EINVAL) a mask smaller than its own, whose size it does not tell: sched_getaffinity(2).
std::int64_t cpus_of_the_affinity_mask() {
    for (int cpus = CPU_SETSIZE; cpus <= CPU_SETSIZE * 64; cpus *= 2) {
        const std::unique_ptr<cpu_set_t, FreeCpuSet> set(CPU_ALLOC(static_cast<unsigned>(cpus)));
        const std::size_t size = CPU_ALLOC_SIZE(static_cast<unsigned>(cpus));
        if (set && sched_getaffinity(0, size, set.get()) == 0) return CPU_COUNT_S(size, set.get());
        if (errno != EINVAL) break;
    }
    return 1;
}

}  // namespace

std::int64_t usable_cpus() {
    const std::int64_t cpus = cpus_of_the_affinity_mask();
    return std::min(cpu_quota().value_or(cpus), cpus);
}

}  // namespace sup::config
