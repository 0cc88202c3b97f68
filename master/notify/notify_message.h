// What a worker says through NOTIFY_SOCKET (sd_notify(3)). Pure.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/duration.h"

namespace sup {

struct NotifyMessage {
    bool ready = false;                 // READY=1
    bool stopping = false;              // STOPPING=1
    bool watchdog = false;              // WATCHDOG=1
    bool barrier = false;               // BARRIER=1
    bool channel = false;               // X_SUP_CHANNEL=1
    std::optional<std::string> status;  // STATUS=…: safe to print, at most max_status_bytes; empty clears it
    std::optional<pid_t> main_pid;      // MAINPID=…
    std::optional<Duration> extend_timeout;  // EXTEND_TIMEOUT_USEC=…, rounded up

    friend bool operator==(const NotifyMessage&, const NotifyMessage&) = default;
};

inline constexpr std::size_t max_status_bytes = 512;

// Any bytes are allowed. Unknown lines and invalid values count for nothing; of a line that comes twice the
// first one counts; a datagram with a NUL within it counts for nothing at all (one at its end is fine).
NotifyMessage parse_notify_message(std::string_view datagram);

}  // namespace sup
