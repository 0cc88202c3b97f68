// What is happening in an instance, for who waits or watches.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "common/duration.h"

namespace sup::status {

struct GenerationEvent {
    std::uint32_t generation = 0;
    std::string state;
    std::uint64_t workers = 0;
    std::uint64_t ready = 0;
};
struct WorkerEvent {
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    int pid = 0;
    std::string state;
};
// How far a generation is.
struct WorkerReadyEvent {
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    int pid = 0;
    std::uint64_t ready = 0;
    std::uint64_t count = 0;
};
struct RestartEvent {
    std::uint32_t generation = 0;
    std::uint32_t slot = 0;
    Duration delay{0};
};
struct ReloadWaitsEvent {
    std::uint64_t draining = 0;
    std::uint64_t max_draining = 0;
};
struct CountEvent {
    std::uint32_t generation = 0;
    std::uint64_t count = 0;
};
struct LogEvent {
    std::string level;
    std::string message;
};

using Event = std::variant<GenerationEvent, WorkerEvent, WorkerReadyEvent, RestartEvent, ReloadWaitsEvent,
                           CountEvent, LogEvent>;

}  // namespace sup::status
