// What /proc tells of a process's place, users and signals.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace sup {

struct ProcessStat {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    bool ended = false;            // a zombie: it waits to be reaped
    std::uint64_t start_time = 0;  // clock ticks since boot: with the pid it has one meaning until the next
};

// None: there is no such process, or /proc hides it (hidepid).
std::optional<ProcessStat> process_stat(pid_t pid);

// Its pid in its own pid namespace (proc_pid_status(5), NSpid). None as above.
std::optional<pid_t> pid_in_own_namespace(pid_t pid);

struct ProcessUsers {
    uid_t real;
    uid_t effective;
    uid_t saved;

    bool include(uid_t user) const { return user == real || user == effective || user == saved; }
};
std::optional<ProcessUsers> process_users(pid_t pid);

// One bit for each signal, number 1 the lowest; blocked: by its main thread.
struct SignalSets {
    std::uint64_t blocked = 0;
    std::uint64_t ignored = 0;
    std::uint64_t caught = 0;
};
std::optional<SignalSets> signal_sets(pid_t pid);

}  // namespace sup
