// The signals that `drain.signal` may name.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sup::config {

// The number of a signal that tells a process to drain: "SIGTERM" or "TERM", also "SIGRTMIN+3". None for a
// name that is unknown, and for signals that cannot be caught (KILL, STOP) or that mean something else to
// everybody (SEGV, CHLD, TSTP…).
std::optional<int> drain_signal(std::string_view name);

// Their names without SIG, but for the real-time ones.
std::span<const std::string_view> drain_signal_names();

}  // namespace sup::config
