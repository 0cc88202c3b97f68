// Names and sizes that the master and its workers agree on. docs/worker-protocol.md says what they are for.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sup::wire {

// The environment of a worker (sd_listen_fds(3), sd_notify(3), and what sup adds).
inline constexpr const char* listen_fds = "LISTEN_FDS";
inline constexpr const char* listen_pid = "LISTEN_PID";
inline constexpr const char* listen_names = "LISTEN_FDNAMES";
inline constexpr const char* notify_socket = "NOTIFY_SOCKET";
inline constexpr const char* instance = "SUP_INSTANCE";
inline constexpr const char* generation = "SUP_GENERATION";
inline constexpr const char* slot = "SUP_SLOT";
inline constexpr const char* drain_signal = "SUP_DRAIN_SIGNAL";
inline constexpr const char* drain_timeout_ms = "SUP_DRAIN_TIMEOUT_MS";

// What sup alone says to a worker: two answers to one question would help nobody.
inline constexpr std::array<std::string_view, 12> reserved_variables{
    listen_fds, listen_pid, listen_names, "LISTEN_PIDFDID", notify_socket,   "WATCHDOG_PID", "WATCHDOG_USEC",
    instance,   generation, slot,         drain_signal,     drain_timeout_ms};

// Of a notification: a channel travels with it.
inline constexpr std::string_view channel_offer = "X_SUP_CHANNEL";

// The largest packet of a channel, in bytes.
inline constexpr std::size_t max_channel_packet = std::size_t{64} * 1024;

// A packet of an inbox: a line of JSON, then what was read from the client and not consumed, with the state
// before it.
inline constexpr std::size_t max_unconsumed = std::size_t{64} * 1024;
inline constexpr std::size_t max_inbox_packet = max_unconsumed + 1024;

}  // namespace sup::wire
