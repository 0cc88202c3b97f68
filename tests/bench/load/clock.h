// The one clock of the load generator: CLOCK_MONOTONIC, which the driver of the benchmark reads too.
#pragma once

#include <chrono>

namespace sup::bench {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Span = std::chrono::nanoseconds;

}  // namespace sup::bench
