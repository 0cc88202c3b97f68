#include "config/signal_name.h"

#include <array>
#include <charconv>
#include <csignal>

namespace sup::config {
namespace {

struct Signal {
    std::string_view name;
    int number;
};

constexpr std::array<Signal, 11> signals{{{"HUP", SIGHUP},
                                          {"INT", SIGINT},
                                          {"QUIT", SIGQUIT},
                                          {"USR1", SIGUSR1},
                                          {"USR2", SIGUSR2},
                                          {"TERM", SIGTERM},
                                          {"ALRM", SIGALRM},
                                          {"URG", SIGURG},
                                          {"WINCH", SIGWINCH},
                                          {"IO", SIGIO},
                                          {"PWR", SIGPWR}}};

constexpr std::string_view realtime = "RTMIN";

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

std::optional<int> drain_signal(std::string_view name) {
    if (name.starts_with("SIG")) name.remove_prefix(3);
    for (const Signal& signal : signals) {
        if (signal.name == name) return signal.number;
    }
    return realtime_signal(name);
}

std::vector<std::string_view> drain_signal_names() {
    std::vector<std::string_view> names;
    for (const Signal& signal : signals) names.push_back(signal.name);
    return names;
}

std::string drain_signal_name(int number) {
    for (const Signal& signal : signals) {
        if (signal.number == number) return "SIG" + std::string(signal.name);
    }
    if (number == SIGRTMIN) return "SIGRTMIN";
    if (number > SIGRTMIN && number <= SIGRTMAX) return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
    return "signal " + std::to_string(number);
}

}  // namespace sup::config
