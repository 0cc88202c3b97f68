#include "common/size.h"

#include <array>
#include <charconv>
#include <limits>

namespace sup {
namespace {

struct SizeUnit {
    std::string_view suffix;
    std::uint64_t bytes;
};

constexpr std::array<SizeUnit, 4> size_units{
    {{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    if (text == "0") return 0;
    std::uint64_t number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view suffix = text.substr(static_cast<std::size_t>(rest - text.data()));
    if (problem == std::errc{}) {
        for (const SizeUnit& unit : size_units) {
            if (unit.suffix != suffix) continue;
            if (number > std::numeric_limits<std::uint64_t>::max() / unit.bytes)
                return Error{"a size too large to count"};
            return number * unit.bytes;
        }
    }
    return Error{"expected a size such as \"512B\", \"64KiB\" or \"10MiB\""};
}

std::string format_size(std::uint64_t bytes) {
    if (bytes == 0) return "0";
    for (const SizeUnit& unit : size_units) {
        if (bytes % unit.bytes == 0) return std::to_string(bytes / unit.bytes) + std::string(unit.suffix);
    }
    return std::to_string(bytes) + "B";
}

std::string describe_size(std::uint64_t bytes) {
    for (const SizeUnit& unit : size_units) {
        if (bytes < unit.bytes || unit.bytes == 1) continue;
        const std::uint64_t tenths = bytes % unit.bytes * 10 / unit.bytes;
        return std::to_string(bytes / unit.bytes) + "." + std::to_string(tenths) + " " +
               std::string(unit.suffix);
    }
    return std::to_string(bytes) + " B";
}

}  // namespace sup
