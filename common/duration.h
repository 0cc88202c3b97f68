// Durations as people write them in a configuration or on a command line: "250ms", "30s", "5m", "1h".
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sup {

using Duration = std::chrono::milliseconds;

// A whole number with one of the units ms, s, m, h or d; "0" alone is allowed. Values above ten years are
// refused. The error says what was expected, without naming where the text came from.
Result<Duration> parse_duration(std::string_view text);

// The same notation, in the largest unit that is exact: 1500ms, 30s, 5m.
std::string format_duration(Duration duration);

// For people, rounded to two units: "3d 4h", "2m 5s", "1.2s", "9ms".
std::string describe_duration(Duration duration);

}  // namespace sup
