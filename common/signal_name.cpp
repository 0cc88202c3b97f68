#include "common/signal_name.h"

#include <charconv>
#include <csignal>
#include <cstring>

namespace sup {
namespace {

constexpr std::string_view realtime = "RTMIN";

// Without "SIG"; null for those that have no name of their own.
const char* abbreviation_of(int number) {
    return number == SIGIO ? "IO" : ::sigabbrev_np(number);  // which says POLL, the same signal
}

// "RTMIN", or "RTMIN+N" with N from 1; N without leading zeros.
std::optional<int> realtime_signal(std::string_view name) {
    if (!name.starts_with(realtime)) return std::nullopt;
    name.remove_prefix(realtime.size());
    if (name.empty()) return SIGRTMIN;
    if (!name.starts_with('+') || name.starts_with("+0")) return std::nullopt;
    name.remove_prefix(1);
    unsigned offset = 0;
    const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), offset);
    const bool whole = problem == std::errc{} && rest == name.data() + name.size();
    if (!whole || offset > static_cast<unsigned>(SIGRTMAX - SIGRTMIN)) return std::nullopt;
    return SIGRTMIN + static_cast<int>(offset);
}

}  // namespace

std::string signal_name(int number) {
    if (const char* abbreviation = abbreviation_of(number)) return std::string("SIG") + abbreviation;
    if (number == SIGRTMIN) return "SIGRTMIN";
    if (number > SIGRTMIN && number <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
    return "signal " + std::to_string(number);
}

std::string numbered_signal(int number) {
    const std::string text = "signal " + std::to_string(number);
    const char* abbreviation = abbreviation_of(number);
    return abbreviation == nullptr ? text : text + " (SIG" + abbreviation + ")";
}

std::optional<int> signal_number(std::string_view name) {
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (int number = 1; number < SIGRTMIN; ++number) {
        const char* abbreviation = abbreviation_of(number);
        if (abbreviation != nullptr && name == abbreviation) return number;
    }
    return realtime_signal(name);
}

}  // namespace sup
