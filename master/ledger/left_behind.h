// Processes that sup does not end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "master/core/ids.h"

namespace sup {

struct LeftBehind {
    enum class Why {
        out_of_reach,   // sup may not signal it, or SIGKILL has no effect
        whose_unknown,  // an orphan that this worker has left, or another one that is still alive
    };
    // A pid is only unique together with the time at which its process began, in clock ticks since boot.
    struct Process {
        std::int32_t pid = 0;
        std::uint64_t start_time = 0;

        bool operator==(const Process&) const = default;
    };
    Why why = Why::out_of_reach;
    Process process{};
    std::string name;  // "process 4711 (server)"
    core::GenerationId generation{};
    core::Slot slot = 0;
    std::string listeners;  // that it holds, or may hold: "http 127.0.0.1:8080, …"

    bool operator==(const LeftBehind&) const = default;
};

class LeftBehindList {
public:
    // A process that is already known stays with the worker with which it was first found.
    void add(LeftBehind left);
    bool contains(const LeftBehind::Process& process) const;
    bool is_out_of_reach(const LeftBehind::Process& process) const;
    // Keeps the list to what is still there.
    void forget(const std::function<bool(const LeftBehind::Process&)>& has_ended);
    const std::vector<LeftBehind>& all() const noexcept { return all_; }

private:
    std::vector<LeftBehind> all_;
};

// In words that follow "process 4711 (server), ".
const char* to_string(LeftBehind::Why why);

}  // namespace sup
