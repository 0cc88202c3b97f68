// When "shortly before the deadline" is.
#pragma once

#include <algorithm>

#include "common/duration.h"

namespace sup::worker {

// How long before the supervisor's deadline, which is `timeout` after the drain signal, the worker closes
// what is left by itself, rather than being killed with it.
constexpr Duration drain_margin(Duration timeout) {
    return std::min(timeout / 2, std::clamp(timeout / 10, Duration{500}, Duration{5'000}));
}

}  // namespace sup::worker
