// Signals by name, as `drain.signal` writes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sup::config {

// The number of a signal that tells a process to drain: "SIGTERM" or "TERM", also "SIGRTMIN+3". None for a
// name that is unknown, and for signals that cannot be caught (KILL, STOP) or that mean something else to
// everybody (SEGV, CHLD, TSTP…).
std::optional<int> drain_signal(std::string_view name);

// Their names without SIG, but for the real-time ones.
std::vector<std::string_view> drain_signal_names();

// The way back: "SIGTERM".
std::string drain_signal_name(int number);

}  // namespace sup::config
