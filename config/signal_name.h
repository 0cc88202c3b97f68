// Signals by name, as `drain.signal` and the log write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sup::config {

// The number of a signal that a process can be told to drain with: "SIGTERM" or "TERM", also "SIGRTMIN+3".
// None for a name that is unknown, and for those that cannot be caught (KILL, STOP) or mean a crash (SEGV…).
std::optional<int> drain_signal(std::string_view name);

// "SIGTERM"; "signal 99" where there is no name. Any signal, also those that drain_signal() refuses.
std::string signal_name(int number);

}  // namespace sup::config
