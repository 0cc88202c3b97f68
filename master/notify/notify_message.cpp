#include "master/notify/notify_message.h"

#include <charconv>
#include <cstdint>
#include <limits>

#include "common/safe_text.h"
#include "common/wire.h"

namespace sup {
namespace {

// Beyond this a deadline means never, and microseconds would no longer fit a timer's arithmetic.
constexpr std::uint64_t longest_extension_ms = 10ULL * 365 * 86'400'000;

std::optional<Duration> parse_extension(std::string_view text) {
    std::uint64_t microseconds = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), microseconds);
    if (problem != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
    const std::uint64_t milliseconds = microseconds / 1'000 + (microseconds % 1'000 == 0 ? 0 : 1);
    if (milliseconds > longest_extension_ms) return std::nullopt;
    return Duration{static_cast<std::int64_t>(milliseconds)};
}

std::optional<pid_t> parse_pid(std::string_view text) {
    pid_t pid = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (problem != std::errc{} || rest != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
}

void apply(NotifyMessage& message, std::string_view key, std::string_view value) {
    const bool yes = value == "1";
    if (key == "READY") {
        message.ready = message.ready || yes;
    } else if (key == "STOPPING") {
        message.stopping = message.stopping || yes;
    } else if (key == "WATCHDOG") {
        message.watchdog = message.watchdog || yes;
    } else if (key == "BARRIER") {
        message.barrier = message.barrier || yes;
    } else if (key == wire::channel_offer) {
        message.channel = message.channel || yes;
    } else if (key == "STATUS") {
        if (!message.status) message.status = safe_text(value, max_status_bytes);
    } else if (key == "MAINPID") {
        if (!message.main_pid) message.main_pid = parse_pid(value);
    } else if (key == "EXTEND_TIMEOUT_USEC") {
        if (!message.extend_timeout) message.extend_timeout = parse_extension(value);
    }
}

}  // namespace

NotifyMessage parse_notify_message(std::string_view datagram) {
    NotifyMessage message;
    if (!datagram.empty() && datagram.back() == '\0') datagram.remove_suffix(1);
    if (datagram.find('\0') != std::string_view::npos) return message;
    while (!datagram.empty()) {
        const std::size_t end = std::min(datagram.find_first_of("\r\n"), datagram.size());
        const std::string_view line = datagram.substr(0, end);
        datagram.remove_prefix(std::min(end + 1, datagram.size()));
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos) apply(message, line.substr(0, equals), line.substr(equals + 1));
    }
    return message;
}

}  // namespace sup
