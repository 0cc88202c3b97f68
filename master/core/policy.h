// What the core must know of a generation's configuration. Everything else stays in the shell.
#pragma once

#include <cstdint>
#include <optional>

#include "common/duration.h"

namespace sup::core {

struct Policy {
    std::uint32_t count = 1;  // workers; at least 1
    // Set: ready when it has lived that long. Unset: ready when it says so.
    std::optional<Duration> ready_after = {};
    Duration ready_timeout{30'000};  // from WorkerSpawned to ready; not used with ready_after
    Duration drain_timeout{30'000};  // from the drain signal to SIGKILL
    Duration soak{0};                // from all ready to promoted; rolling: from ready to the slot's change
    Duration later_soak{0};          // rolling: in place of `soak` for workers ready after another has soaked
    Duration start_soak{0};          // in place of both where no generation is replaced
    // Set: a rolling reload, slot by slot, with this many new workers on their way at once; at least 1.
    // Unset: all new workers at once. With a rolling reload the soak is each new worker's own.
    std::optional<std::uint32_t> max_surge = {};
    std::uint32_t max_draining = 4;  // generations that may drain (or be aborting) at once; at least 1
    Duration restart_min_uptime{1'000};
    Duration backoff_min{100};
    Duration backoff_max{30'000};

    friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace sup::core
