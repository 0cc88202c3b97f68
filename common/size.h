// Sizes as people write them ("64KiB") and read them ("5.2 MiB").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sup {

// A whole number of bytes with one of the units B, KiB, MiB, GiB; "0" alone is allowed. The error says what
// was expected.
Result<std::uint64_t> parse_size(std::string_view text);

// The same notation, in the largest unit that is exact: 1536KiB, 8MiB.
std::string format_size(std::uint64_t bytes);

// For people, one decimal: "512 B", "5.2 MiB".
std::string describe_size(std::uint64_t bytes);

}  // namespace sup
