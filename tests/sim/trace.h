// The story of a seed, as a person reads it.
#pragma once

#include <functional>
#include <string>

namespace sup::sim {

// Receives the story line by line.
using Trace = std::function<void(const std::string& line)>;

}  // namespace sup::sim
