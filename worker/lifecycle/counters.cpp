#include "worker/lifecycle/counters.h"

#include <string>

namespace sup::worker {
namespace {

constexpr Counters::Counter all_counters[] = {
    &ScoreboardRow::accepting, &ScoreboardRow::connections, &ScoreboardRow::requests, &ScoreboardRow::accepts,
    &ScoreboardRow::taken,     &ScoreboardRow::handed_over, &ScoreboardRow::drained,  &ScoreboardRow::closed};

}  // namespace

Status Counters::move_to(UniqueFd memfd, std::size_t slot) {
    Result<Scoreboard> board = Scoreboard::map(std::move(memfd));
    if (!board) return board.error();
    if (slot >= board->size()) return Error{"the scoreboard has no row " + std::to_string(slot)};
    ScoreboardRow& row = board->row(slot);
    for (const Counter counter : all_counters) (row.*counter).store(get(counter), std::memory_order_relaxed);
    row_ = &row;
    slot_ = slot;
    board_.emplace(std::move(*board));
    return Success{};
}

}  // namespace sup::worker
