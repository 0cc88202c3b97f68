#include "config/signal_name.h"

#include <algorithm>
#include <array>

#include "common/signal_name.h"

namespace sup::config {
namespace {

constexpr std::array<std::string_view, 11> known_names{"HUP",  "INT", "QUIT",  "USR1", "USR2", "TERM",
                                                       "ALRM", "URG", "WINCH", "IO",   "PWR"};

}  // namespace

std::optional<int> drain_signal(std::string_view name) {
    if (name.starts_with("SIG")) name.remove_prefix(3);
    const bool may_drain =
        name.starts_with("RTMIN") || std::ranges::find(known_names, name) != known_names.end();
    return may_drain ? signal_number(name) : std::nullopt;
}

std::span<const std::string_view> drain_signal_names() {
    return known_names;
}

}  // namespace sup::config
