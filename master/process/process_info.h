// What /proc tells about a process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sup {

// Resident memory; nothing when there is no such process.
std::optional<std::uint64_t> process_rss_bytes(pid_t pid);

// The kernel's short name of it; empty when there is no such process.
std::string process_command(pid_t pid);

}  // namespace sup
