// How a reload ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/duration.h"
#include "common/scoreboard.h"
#include "master/core/ids.h"

namespace sup {

// What became of the connections of the workers that were drained for a reload, by their own count: the
// workers that it replaced, and, if it failed, those that had replaced them.
struct DrainTotals {
    std::uint64_t handed_over = 0;  // to the successor: the client saw nothing
    std::uint64_t drained = 0;      // ended cleanly
    std::uint64_t closed = 0;       // still open at the drain deadline
    // Workers killed by a signal while they drained; the connections they had open count as closed.
    std::uint64_t died = 0;
    // Connections among drained and closed that the successor could not take over, because it cannot read
    // their state. By protocol.
    std::map<std::string, std::uint64_t> unreadable = {};

    void add(const DrainTotals& more);
    void add(const ScoreboardRow& row);
    // What a killed worker still had open was closed with it.
    void add_exited(const ScoreboardRow& row);
    void add_unreadable(const std::map<std::string, std::uint64_t>& connections);

    bool operator==(const DrainTotals&) const = default;
};

struct ReloadOutcome {
    std::optional<core::GenerationId> generation;  // unset when preparing failed
    bool promoted = false;
    bool configuration_error = false;
    std::string reason;                      // empty when promoted
    std::vector<std::string> worker_output;  // last lines of the worker that failed
    DrainTotals connections;
    Duration duration{0};
    std::chrono::system_clock::time_point at;

    bool operator==(const ReloadOutcome&) const = default;
};

}  // namespace sup
