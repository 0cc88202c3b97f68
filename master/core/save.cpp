// The whole state as JSON. Numbers for ids, milliseconds for times, names for states, null for what is not
// set. restore.cpp reads what this writes; a change of the format takes a new version.
#include <nlohmann/json.hpp>

#include "master/core/state.h"
#include "master/core/supervisor.h"

namespace sup::core {
namespace {

using nlohmann::json;

json saved(std::uint32_t value) {
    return value;
}
json saved(int value) {
    return value;
}
json saved(Duration duration) {
    return duration.count();
}
json saved(TimePoint time) {
    return time.time_since_epoch().count();
}
json saved(GenerationId id) {
    return static_cast<std::uint32_t>(id);
}
json saved(WorkerId id) {
    return static_cast<std::uint64_t>(id);
}
json saved(TimerId id) {
    return static_cast<std::uint64_t>(id);
}
json saved(RequestId id) {
    return static_cast<std::uint64_t>(id);
}

json saved(const SlotRecord& slot);
json saved(const LastExit& exit);
json saved(const Request& request);
json saved(const Reload& reload);
json saved(const DrainedWaiter& waiter);

template <typename T>
json saved(const std::optional<T>& value) {
    return value ? saved(*value) : json(nullptr);
}

template <typename T>
json saved(const std::vector<T>& values) {
    json array = json::array();
    for (const T& value : values) array.push_back(saved(value));
    return array;
}

json saved(const Policy& policy) {
    return {{"count", policy.count},
            {"ready_after", saved(policy.ready_after)},
            {"ready_timeout", saved(policy.ready_timeout)},
            {"drain_timeout", saved(policy.drain_timeout)},
            {"soak", saved(policy.soak)},
            {"later_soak", saved(policy.later_soak)},
            {"start_soak", saved(policy.start_soak)},
            {"max_surge", saved(policy.max_surge)},
            {"max_draining", policy.max_draining},
            {"restart_min_uptime", saved(policy.restart_min_uptime)},
            {"backoff_min", saved(policy.backoff_min)},
            {"backoff_max", saved(policy.backoff_max)}};
}

json saved(const Worker& worker) {
    return {{"worker", saved(worker.id)},       {"slot", worker.slot},
            {"state", to_string(worker.state)}, {"spawned_at", saved(worker.spawned_at)},
            {"spawned", worker.spawned},        {"was_ready", worker.was_ready},
            {"restarts", worker.restarts},      {"timer", saved(worker.timer)},
            {"channel", worker.channel},        {"successor", saved(worker.successor)},
            {"inbox", saved(worker.inbox)},     {"soak", saved(worker.soak)}};
}

json saved(const LastExit& exit) {
    json record{{"at", saved(exit.at)}, {"status", nullptr}};
    if (exit.status) record["status"] = {{"signalled", exit.status->signalled}, {"code", exit.status->code}};
    return record;
}

json saved(const SlotRecord& slot) {
    return {{"worker", saved(slot.worker)},    {"restart", saved(slot.restart)},     {"spawns", slot.spawns},
            {"short_lives", slot.short_lives}, {"last_exit", saved(slot.last_exit)}, {"spoke", slot.spoke}};
}

json saved(const Generation& generation) {
    json workers = json::array();
    for (const auto& [id, worker] : generation.workers) workers.push_back(saved(worker));
    return {{"generation", saved(generation.id)}, {"state", to_string(generation.state)},
            {"policy", saved(generation.policy)}, {"created_at", saved(generation.created_at)},
            {"slots", saved(generation.slots)},   {"workers", workers},
            {"soak", saved(generation.soak)},     {"inbox_closed", generation.inbox_closed}};
}

json saved(const Request& request) {
    return {{"request", saved(request.id)}, {"drained", request.wait == WaitFor::drained}};
}

json saved(const Reload& reload) {
    return {{"generation", saved(reload.generation)}, {"askers", saved(reload.askers)}};
}

json saved(const DrainedWaiter& waiter) {
    return {{"request", saved(waiter.request)},
            {"promoted", saved(waiter.promoted)},
            {"replaced", saved(waiter.replaced)}};
}

// Only when they fire: what a timer is for is known by its owner.
json saved(const std::map<TimerId, Timer>& timers) {
    json array = json::array();
    for (const auto& [id, timer] : timers) array.push_back({{"timer", saved(id)}, {"at", saved(timer.at)}});
    return array;
}

}  // namespace

nlohmann::json Supervisor::save() const {
    const Instance& instance = *instance_;
    json generations = json::array();
    for (const auto& [id, generation] : instance.generations) generations.push_back(saved(generation));
    return {{"version", 1},
            {"started", instance.started},
            {"exit_code", saved(instance.exit_code)},
            {"exited", instance.exited},
            {"generations", generations},
            {"timers", saved(instance.timers)},
            {"waiting", saved(instance.waiting)},
            {"reload", saved(instance.reload)},
            {"announced_draining", saved(instance.announced_draining)},
            {"drained_waiters", saved(instance.drained_waiters)},
            {"stop_requests", saved(instance.stop_requests)},
            {"stop_signalled_at", saved(instance.stop_signalled_at)},
            {"next_generation", saved(instance.next_generation)},
            {"next_worker", saved(instance.next_worker)},
            {"next_timer", saved(instance.next_timer)},
            {"random", instance.random}};
}

}  // namespace sup::core
