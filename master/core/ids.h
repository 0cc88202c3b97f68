// Names for what the core talks about. The core hands out every id; numbers are never used twice in an
// instance's life.
#pragma once

#include <cstdint>

namespace sup::core {

// Counts from 1. A generation gets its number when its preparation has succeeded.
enum class GenerationId : std::uint32_t {};
// One spawn of one process; a restarted slot gets a new one.
enum class WorkerId : std::uint64_t {};
// Given out by the shell, one for each request that wants an answer.
enum class RequestId : std::uint64_t {};
// A worker's index, 0…count-1, in its generation.
using Slot = std::uint32_t;

}  // namespace sup::core
