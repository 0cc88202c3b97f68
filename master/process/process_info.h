// What /proc tells about a process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/unique_fd.h"

namespace sup {

// Resident memory; nothing when there is no such process.
std::optional<std::uint64_t> process_rss_bytes(pid_t pid);

// Clock ticks since boot, never the same for two processes that had the same pid; nothing when there is no
// such process.
std::optional<std::uint64_t> process_start_time(pid_t pid);
// From the text of /proc/PID/stat; its second field may hold spaces and parentheses.
std::optional<std::uint64_t> parse_start_time(std::string_view stat);

// A pidfd of `pid` if it is still the process that started then, and has not ended; empty otherwise.
UniqueFd open_process(pid_t pid, std::uint64_t start_time);

// The kernel's short name of it; empty when there is no such process.
std::string process_command(pid_t pid);

}  // namespace sup
