#include "master/outcome.h"

#include <algorithm>

namespace sup {
namespace {

void count(std::uint64_t& total, const std::atomic<std::uint64_t>& counter) {
    total = std::min(total + read_count(counter), largest_count);
}

}  // namespace

void DrainTotals::add(const ScoreboardRow& row) {
    count(handed_over, row.handed_over);
    count(drained, row.drained);
    count(closed, row.closed);
}

void DrainTotals::add_exited(const ScoreboardRow& row) {
    add(row);
    count(closed, row.connections);
}

void DrainTotals::add_unreadable(const std::map<std::string, std::uint64_t>& connections) {
    for (const auto& [protocol, ended] : connections) {
        std::uint64_t& total = unreadable[protocol];
        total = std::min(total + ended, largest_count);
    }
}

status::Reload picture_of(const ReloadOutcome& outcome) {
    status::Reload reload;
    if (outcome.generation) reload.generation = static_cast<std::uint32_t>(*outcome.generation);
    reload.outcome = outcome.promoted ? "promoted" : "failed";
    reload.reason = outcome.reason;
    reload.connections = {outcome.connections.handed_over, outcome.connections.drained,
                          outcome.connections.closed, outcome.connections.unreadable};
    reload.died = outcome.connections.died;
    reload.duration = outcome.duration;
    reload.at = outcome.at;
    reload.configuration_error = outcome.configuration_error;
    reload.worker_output = outcome.worker_output;
    return reload;
}

}  // namespace sup
