// This worker's counters: in its row of the scoreboard, or in memory of its own where there is none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "common/result.h"
#include "common/scoreboard.h"
#include "common/unique_fd.h"

namespace sup::worker {

class Counters {
public:
    using Counter = std::atomic<std::uint64_t> ScoreboardRow::*;

    Counters() : own_(std::make_unique<ScoreboardRow>()), row_(own_.get()) {}

    // Goes on in row `slot` of the table that came from the master.
    Status move_to(UniqueFd memfd, std::size_t slot);

    // Nobody else writes this row, so a load and a store do.
    void add(Counter counter, std::uint64_t count = 1) { set(counter, get(counter) + count); }
    void set(Counter counter, std::uint64_t value) {
        (row_->*counter).store(value, std::memory_order_relaxed);
    }
    std::uint64_t get(Counter counter) const { return (row_->*counter).load(std::memory_order_relaxed); }

    // Null without a scoreboard.
    const Scoreboard* board() const { return board_ ? &*board_ : nullptr; }
    std::size_t slot() const { return slot_; }

private:
    std::unique_ptr<ScoreboardRow> own_;
    std::optional<Scoreboard> board_;
    std::size_t slot_ = 0;
    ScoreboardRow* row_;
};

}  // namespace sup::worker
