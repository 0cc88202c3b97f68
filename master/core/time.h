// The core knows no clock: every step is told what time it is.
#pragma once

#include <chrono>

#include "common/duration.h"

namespace sup::core {

// Monotonic milliseconds since an epoch of the shell's choosing. Survives a save and a restore on the same
// machine boot.
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock, duration>;
    static constexpr bool is_steady = true;
};
using TimePoint = MonotonicClock::time_point;

}  // namespace sup::core
