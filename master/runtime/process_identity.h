// Which process, beyond its number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "common/unique_fd.h"

namespace sup {

// A pid alone may have been given to another process since; with its start time it has one meaning until the
// next boot.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_time = 0;  // clock ticks since boot, field 22 of /proc/PID/stat

    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

// None: there is no such process, or it is a zombie.
std::optional<ProcessIdentity> identify_process(pid_t pid);

// A pidfd of exactly that process; empty when it has ended. Signalling through it cannot hit another one.
UniqueFd open_process(const ProcessIdentity& process);

// Sends a signal through a pidfd. False: the process has ended, or may not be signalled (errno tells).
bool signal_process(int pidfd, int signal);

// Different after every boot; empty when /proc is not there.
std::string boot_id();

}  // namespace sup
