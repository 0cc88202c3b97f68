#include "master/outcome.h"

#include <fmt/chrono.h>

#include <nlohmann/json.hpp>

namespace sup {

void DrainTotals::add(const ScoreboardRow& row) {
    handed_over += row.handed_over.load(std::memory_order_relaxed);
    drained += row.drained.load(std::memory_order_relaxed);
    closed += row.closed.load(std::memory_order_relaxed);
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
