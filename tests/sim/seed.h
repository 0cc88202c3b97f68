// One seed: one or more whole lives of an instance, from Start to Exit, in a world of that seed's making.
#pragma once

#include <cstdint>
#include <optional>

#include "tests/sim/coverage.h"
#include "tests/sim/property.h"
#include "tests/sim/trace.h"

namespace sup::sim {

struct Outcome {
    std::optional<Violation> violation;
    std::uint64_t events = 0;
};

// Deterministic: the same seed, the same story, on every machine. Without a trace it is much faster.
// connections_only: see Checker.
Outcome run_seed(std::uint64_t seed, Coverage& coverage, bool connections_only, const Trace& trace = {});

}  // namespace sup::sim
