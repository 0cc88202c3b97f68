// What holds between any two steps. The rules keep it; a state that comes from outside is held against it.
#pragma once

#include "master/core/state.h"

namespace sup::core {

// The first invariant that does not hold, in words; null if all do.
const char* broken_invariant(const Instance& instance);

}  // namespace sup::core
