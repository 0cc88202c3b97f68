#include "master/status/core_events.h"

#include <algorithm>
#include <cstdlib>

namespace sup::status {
namespace {

std::uint32_t number(core::GenerationId generation) {
    return static_cast<std::uint32_t>(generation);
}

const core::GenerationView* find(const core::View& view, core::GenerationId generation) {
    const auto found = std::ranges::find(view.generations, generation, &core::GenerationView::generation);
    return found == view.generations.end() ? nullptr : &*found;
}

std::uint64_t count_ready(const core::GenerationView* generation) {
    if (generation == nullptr) return 0;
    return static_cast<std::uint64_t>(
        std::ranges::count(generation->workers, core::WorkerState::ready, &core::WorkerView::state));
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

Event event_of(const core::GenerationChanged& change, const core::View& view) {
    const core::GenerationView* generation = find(view, change.generation);
    const std::size_t workers = generation == nullptr ? 0
                                : change.state == core::GenerationState::draining
                                    ? generation->workers.size()  // a rolling reload has drained most before
                                    : generation->count;
    return GenerationEvent{number(change.generation), core::to_string(change.state), workers,
                           count_ready(generation)};
}

Event event_of(const core::WorkerChanged& change, pid_t pid) {
    return WorkerEvent{number(change.generation), change.slot, pid, core::to_string(change.state)};
}

Event worker_ready_event(const core::WorkerChanged& change, pid_t pid, const core::View& view) {
    const core::GenerationView* generation = find(view, change.generation);
    return WorkerReadyEvent{number(change.generation), change.slot, pid, count_ready(generation),
                            generation == nullptr ? 0 : generation->count};
}

Event event_of(const core::RestartScheduled& restart) {
    return RestartEvent{number(restart.generation), restart.slot, restart.delay};
}

Event event_of(const core::ReloadWaits& wait) {
    return ReloadWaitsEvent{wait.draining, wait.max_draining};
}

Event event_of(const core::CountChanged& change) {
    return CountEvent{number(change.generation), change.count};
}

Event log_event(config::LogLevel level, std::string_view message) {
    return LogEvent{level_name(level), std::string(message)};
}

}  // namespace sup::status
