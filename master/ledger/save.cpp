// The whole ledger as JSON. Numbers for ids, milliseconds for durations, null for what is not set; restore.cpp
// reads what this writes. A change of the format takes a new version.
#include <nlohmann/json.hpp>

#include "master/ledger/ledger.h"

namespace sup {
namespace {

using nlohmann::json;

json saved(int value) {
    return value;
}
json saved(core::GenerationId id) {
    return static_cast<std::uint32_t>(id);
}
json saved(core::WorkerId id) {
    return static_cast<std::uint64_t>(id);
}
json saved(core::RequestId id) {
    return static_cast<std::uint64_t>(id);
}
json saved(core::TimePoint time) {
    return time.time_since_epoch().count();
}

template <typename T>
json saved(const std::optional<T>& value);

json saved(const DrainTotals& totals) {
    return {{"handed_over", totals.handed_over},
            {"drained", totals.drained},
            {"closed", totals.closed},
            {"died", totals.died},
            {"unreadable", totals.unreadable}};
}

json saved(const ReloadOutcome& outcome) {
    return {{"generation", saved(outcome.generation)},
            {"promoted", outcome.promoted},
            {"configuration_error", outcome.configuration_error},
            {"reason", outcome.reason},
            {"worker_output", outcome.worker_output},
            {"connections", saved(outcome.connections)},
            {"duration", outcome.duration.count()},
            {"at", outcome.at.time_since_epoch().count()}};
}

json saved(const LeftBehind& left) {
    return {{"why", static_cast<int>(left.why)},
            {"pid", left.process.pid},
            {"start_time", left.process.start_time},
            {"name", left.name},
            {"generation", saved(left.generation)},
            {"slot", left.slot},
            {"listeners", left.listeners}};
}

template <typename T>
json saved(const std::optional<T>& value) {
    return value ? saved(*value) : json(nullptr);
}

}  // namespace

json Ledger::save() const {
    json document{{"version", 1},
                  {"start", saved(start_)},
                  {"reload_began", saved(reload_began_)},
                  {"last_promoted", saved(last_promoted_)},
                  {"promotions", json::array()},
                  {"leaving", json::array()},
                  {"drain_totals", json::array()},
                  {"last_reload", saved(last_reload_)},
                  {"failed_start", saved(failed_start_)},
                  {"waiting", json::array()},
                  {"stops", json::array()},
                  {"exit_code", saved(exit_code_)},
                  {"told_changes", json::array()},
                  {"left_behind", json::array()}};
    for (const auto& [generation, one] : promotions_)
        document["promotions"].push_back({{"generation", saved(generation)},
                                          {"outcome", saved(one.outcome)},
                                          {"replaced", saved(one.replaced)}});
    for (const auto& [worker, reload] : leaving_for_)
        document["leaving"].push_back({{"worker", saved(worker)}, {"reload", saved(reload)}});
    for (const auto& [reload, totals] : drain_totals_)
        document["drain_totals"].push_back({{"reload", saved(reload)}, {"totals", saved(totals)}});
    for (const Waiting& one : waiting_)
        document["waiting"].push_back({{"request", saved(one.request)},
                                       {"outcome", saved(one.outcome)},
                                       {"for_leftovers", one.for_leftovers}});
    for (const core::RequestId request : stops_) document["stops"].push_back(saved(request));
    for (const auto& [generation, changes] : told_changes_)
        document["told_changes"].push_back({{"generation", saved(generation)}, {"changes", changes}});
    for (const LeftBehind& one : left_behind_.all()) document["left_behind"].push_back(saved(one));
    return document;
}

}  // namespace sup
