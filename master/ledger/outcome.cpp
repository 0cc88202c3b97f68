#include "master/ledger/outcome.h"

#include <algorithm>

namespace sup {
namespace {

void count(std::uint64_t& total, std::uint64_t more) {
    total = std::min(total + more, largest_count);
}

}  // namespace

void DrainTotals::add(const DrainTotals& more) {
    count(handed_over, more.handed_over);
    count(drained, more.drained);
    count(closed, more.closed);
    count(died, more.died);
    add_unreadable(more.unreadable);
}

void DrainTotals::add(const ScoreboardRow& row) {
    count(handed_over, read_count(row.handed_over));
    count(drained, read_count(row.drained));
    count(closed, read_count(row.closed));
}

void DrainTotals::add_exited(const ScoreboardRow& row) {
    add(row);
    count(closed, read_count(row.connections));
}

void DrainTotals::add_unreadable(const std::map<std::string, std::uint64_t>& connections) {
    for (const auto& [protocol, ended] : connections) {
        count(unreadable[protocol], ended);
    }
}

}  // namespace sup
