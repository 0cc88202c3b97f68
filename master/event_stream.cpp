#include "master/event_stream.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sup {
namespace {

using nlohmann::json;

std::uint32_t number(core::GenerationId generation) {
    return static_cast<std::uint32_t>(generation);
}

const core::GenerationView* find(const core::View& view, core::GenerationId generation) {
    const auto found = std::ranges::find(view.generations, generation, &core::GenerationView::generation);
    return found == view.generations.end() ? nullptr : &*found;
}

std::ptrdiff_t count_ready(const core::GenerationView* generation) {
    if (generation == nullptr) return 0;
    return std::ranges::count(generation->workers, core::WorkerState::ready, &core::WorkerView::state);
}

const char* level_name(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::trace: return "trace";
        case config::LogLevel::debug: return "debug";
        case config::LogLevel::info: return "info";
        case config::LogLevel::warning: return "warning";
        case config::LogLevel::error: return "error";
    }
    std::abort();
}

}  // namespace

json to_event(const core::GenerationChanged& change, const core::View& view) {
    const core::GenerationView* generation = find(view, change.generation);
    const std::size_t workers = generation == nullptr ? 0
                                : change.state == core::GenerationState::draining
                                    ? generation->workers.size()  // a rolling reload has drained most before
                                    : generation->count;
    return {{"type", "generation"},
            {"generation", number(change.generation)},
            {"state", core::to_string(change.state)},
            {"workers", workers},
            {"ready", count_ready(generation)}};
}

json to_event(const core::WorkerChanged& change, pid_t pid) {
    return {{"type", "worker"},
            {"generation", number(change.generation)},
            {"slot", change.slot},
            {"pid", pid},
            {"state", core::to_string(change.state)}};
}

json worker_ready_event(const core::WorkerChanged& change, pid_t pid, const core::View& view) {
    const core::GenerationView* generation = find(view, change.generation);
    return {{"type", "worker_ready"},
            {"generation", number(change.generation)},
            {"slot", change.slot},
            {"pid", pid},
            {"ready", count_ready(generation)},
            {"count", generation == nullptr ? 0 : generation->count}};
}

json to_event(const core::RestartScheduled& restart) {
    return {{"type", "restart_scheduled"},
            {"generation", number(restart.generation)},
            {"slot", restart.slot},
            {"delay_ms", restart.delay.count()}};
}

json to_event(const core::ReloadWaits& wait) {
    return {{"type", "reload_waits"}, {"draining", wait.draining}, {"max_draining", wait.max_draining}};
}

json to_event(const core::CountChanged& change) {
    return {{"type", "count"}, {"generation", number(change.generation)}, {"count", change.count}};
}

json log_event(config::LogLevel level, std::string_view message) {
    return {{"type", "log"}, {"level", level_name(level)}, {"message", message}};
}

}  // namespace sup
