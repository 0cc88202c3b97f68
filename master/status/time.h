// Moments as they are told: "2026-11-22T10:00:00Z".
#pragma once

#include <optional>
#include <string>

#include "master/status/picture.h"

namespace sup::status {

std::string format_time(Time time);
// None for any other notation.
std::optional<Time> parse_time(const std::string& text);

}  // namespace sup::status
