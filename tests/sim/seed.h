// One seed: one or more whole lives of an instance, from Start to Exit, in a world of that seed's making.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "tests/sim/coverage.h"
#include "tests/sim/property.h"

namespace sup::sim {

// Receives the story line by line.
using Trace = std::function<void(const std::string& line)>;

struct Outcome {
    std::optional<Violation> violation;
    std::uint64_t events = 0;
};

// Deterministic: the same seed, the same story, on every machine. Without a trace it is much faster.
Outcome run_seed(std::uint64_t seed, Coverage& coverage, const Trace& trace = {});

}  // namespace sup::sim
