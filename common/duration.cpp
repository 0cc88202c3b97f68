#include "common/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace sup {
namespace {

struct DurationUnit {
    std::string_view suffix;
    std::int64_t milliseconds;
};

constexpr std::array<DurationUnit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t longest = 10LL * 365 * 86'400'000;

Error expected_duration() {
    return Error{"expected a duration such as \"250ms\", \"30s\" or \"5m\""};
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem == std::errc::result_out_of_range) return Error{"a duration of more than ten years"};
    if (problem != std::errc{} || number < 0) return expected_duration();
    const std::string_view suffix = text.substr(static_cast<std::size_t>(rest - text.data()));
    if (suffix.empty() && text == "0") return Duration{0};
    for (const DurationUnit& unit : duration_units) {
        if (unit.suffix != suffix) continue;
        if (number > longest / unit.milliseconds) return Error{"a duration of more than ten years"};
        return Duration{number * unit.milliseconds};
    }
    return expected_duration();
}

std::string format_duration(Duration duration) {
    const std::int64_t total = duration.count();
    if (total == 0) return "0s";
    for (const DurationUnit& unit : duration_units) {
        if (total % unit.milliseconds == 0)
            return std::to_string(total / unit.milliseconds) + std::string(unit.suffix);
    }
    return std::to_string(total) + "ms";
}

std::string describe_duration(Duration duration) {
    const std::int64_t total = duration.count();
    if (total < 1'000) return std::to_string(total) + "ms";
    if (total < 10'000)
        return std::to_string(total / 1'000) + "." + std::to_string(total % 1'000 / 100) + "s";
    for (std::size_t i = 0; i + 2 < duration_units.size(); ++i) {
        const DurationUnit& large = duration_units[i];
        const DurationUnit& small = duration_units[i + 1];
        if (total < large.milliseconds) continue;
        std::string text = std::to_string(total / large.milliseconds) + std::string(large.suffix);
        const std::int64_t rest = total % large.milliseconds / small.milliseconds;
        if (rest != 0) text += " " + std::to_string(rest) + std::string(small.suffix);
        return text;
    }
    return std::to_string(total / 1'000) + "s";
}

}  // namespace sup
