#include "worker/lifecycle/balance.h"

#include <algorithm>

namespace sup::worker {
namespace {

constexpr std::uint64_t slack = 4;
constexpr std::uint64_t slack_before_moving = 8;
// The table has more rows than a generation has workers; the whole of it is looked at this seldom. But the
// lowest free row is given to the next worker, so a worker that knows of no peer yet looks at the first ones
// each time: it may be about to take everything.
constexpr std::uint64_t search_interval = 100;  // ms
constexpr std::size_t first_rows = 64;

}  // namespace

bool Balance::above_peers() {
    const auto least = least_loaded_peer();
    return least && counters_.get(&ScoreboardRow::connections) > *least + *least / 8 + slack;
}

std::size_t Balance::excess() {
    looked_at_.reset();
    const auto least = least_loaded_peer();
    const std::uint64_t mine = counters_.get(&ScoreboardRow::connections);
    if (!least || mine <= *least + *least / 8 + slack_before_moving) return 0;
    return static_cast<std::size_t>((mine - *least) / 2);
}

std::optional<std::uint64_t> Balance::least_loaded_peer() {
    const Scoreboard* board = counters_.board();
    if (board == nullptr) return std::nullopt;
    if (!looked_at_ || uv_now(loop_) - *looked_at_ >= search_interval) {
        looked_at_ = uv_now(loop_);
        find_peers(board->size());
    } else if (peers_.empty()) {
        find_peers(std::min(board->size(), first_rows));
    }
    std::optional<std::uint64_t> least;
    for (const std::size_t peer : peers_) {
        const ScoreboardRow& row = board->row(peer);
        if (row.accepting.load(std::memory_order_relaxed) != 1) continue;
        const std::uint64_t connections = read_count(row.connections);
        least = std::min(least.value_or(connections), connections);
    }
    return least;
}

void Balance::find_peers(std::size_t rows) {
    const Scoreboard& board = *counters_.board();
    peers_.clear();
    for (std::size_t i = 0; i < rows; ++i) {
        if (i != counters_.slot() && board.row(i).accepting.load(std::memory_order_relaxed) == 1)
            peers_.push_back(i);
    }
}

}  // namespace sup::worker
