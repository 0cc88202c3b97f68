#include "master/outcome.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <nlohmann/json.hpp>

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

nlohmann::json to_json(const ReloadOutcome& outcome) {
    nlohmann::json json{{"generation", nullptr},
                        {"outcome", outcome.promoted ? "promoted" : "failed"},
                        {"reason", outcome.reason},
                        {"connections",
                         {{"handed_over", outcome.connections.handed_over},
                          {"drained", outcome.connections.drained},
                          {"closed", outcome.connections.closed}}},
                        {"duration_ms", outcome.duration.count()},
                        {"at", format_time(outcome.at)}};
    if (!outcome.connections.unreadable.empty())
        json["connections"]["unreadable"] = outcome.connections.unreadable;
    if (outcome.connections.died > 0) json["died"] = outcome.connections.died;
    if (outcome.generation) json["generation"] = static_cast<std::uint32_t>(*outcome.generation);
    if (!outcome.promoted) {
        json["configuration_error"] = outcome.configuration_error;
        json["worker_output"] = outcome.worker_output;
    }
    return json;
}

std::string format_time(std::chrono::system_clock::time_point time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

}  // namespace sup
