#include "master/status.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/version.h"
#include "master/describe.h"
#include "master/process/process_info.h"

namespace sup {
namespace {

using nlohmann::json;

// What a reload would find where the program was found.
const char* at_its_path(const ExecutableIdentity& executable) {
    struct stat now {};
    if (::stat(executable.found_at.c_str(), &now) != 0) return "gone";
    return is_same_file(identity_of(now), executable.file) ? "same" : "other";
}

json executable_json(const ExecutableIdentity& executable) {
    const FileIdentity& file = executable.file;
    const auto modified = std::chrono::system_clock::from_time_t(file.mtime.tv_sec);
    return {{"path", executable.path},
            {"pinned", executable.pinned},
            {"device", file.device},
            {"inode", file.inode},
            {"size", file.size},
            {"mtime", format_time(modified)},
            {"at_path", at_its_path(executable)}};
}

bool any_problem(const json& listeners) {
    return std::ranges::any_of(listeners, [](const json& one) { return !one.at("problem").is_null(); });
}

json last_exit_json(const StatusSource& source, const core::SlotView& slot) {
    if (!slot.ended_at) return nullptr;
    const auto ago = source.now - *slot.ended_at;
    json exit{{"how", slot.ended ? describe(*slot.ended) : std::string("could not be started")},
              {"at", format_time(std::chrono::system_clock::now() - ago)},
              {"ago_ms", ago.count()},
              {"code", nullptr},
              {"signal", nullptr}};
    if (slot.ended) exit[slot.ended->signalled ? "signal" : "code"] = slot.ended->code;
    return exit;
}

// What its slot has gone through.
void add_slot(const StatusSource& source, const core::SlotView& slot, json& worker) {
    worker["last_exit"] = last_exit_json(source, slot);
    worker["short_lives"] = slot.short_lives;
    worker["retry_in_ms"] = nullptr;
    if (slot.restart_at)
        worker["retry_in_ms"] = std::max<Duration::rep>(0, (*slot.restart_at - source.now).count());
}

json worker_json(const StatusSource& source, const core::WorkerView& view) {
    json worker{{"slot", view.slot},
                {"pid", nullptr},
                {"state", core::to_string(view.state)},
                {"uptime_ms", (source.now - view.spawned_at).count()},
                {"restarts", view.restarts},
                {"status", ""},
                {"rss_bytes", nullptr},
                {"connections", nullptr},
                {"requests", nullptr},
                {"last_exit", nullptr},
                {"retry_in_ms", nullptr},
                {"short_lives", 0}};
    if (const WorkerProcess* process = source.worker(view.worker)) {
        worker["pid"] = process->pid();
        worker["status"] = process->status_text();
        if (const ScoreboardRow* row = process->scoreboard_row()) {
            worker["connections"] = read_count(row->connections);
            worker["requests"] = read_count(row->requests);
        }
        if (const auto rss = process_rss_bytes(process->pid())) worker["rss_bytes"] = *rss;
    }
    return worker;
}

// A slot without a process: it waits to be restarted.
json waiting_json(const StatusSource& source, const core::SlotView& slot) {
    json row{{"slot", slot.slot},         {"pid", nullptr}, {"state", "restarting"}, {"uptime_ms", nullptr},
             {"restarts", slot.restarts}, {"status", ""},   {"rss_bytes", nullptr},  {"connections", nullptr},
             {"requests", nullptr}};
    add_slot(source, slot, row);
    return row;
}

// By slot; of a slot that was taken away only the worker is there.
json workers_json(const StatusSource& source, const core::GenerationView& view) {
    json rows = json::array();
    auto slot = view.slots.begin();
    const auto add_waiting = [&](core::Slot before) {
        for (; slot != view.slots.end() && slot->slot < before; ++slot) {
            if (slot->restart_at) rows.push_back(waiting_json(source, *slot));
        }
    };
    for (const core::WorkerView& worker : view.workers) {
        add_waiting(worker.slot);
        rows.push_back(worker_json(source, worker));
        if (worker.slot < view.slots.size()) add_slot(source, view.slots[worker.slot], rows.back());
    }
    add_waiting(static_cast<core::Slot>(view.slots.size()));
    return rows;
}

json generation_json(const StatusSource& source, const core::GenerationView& view) {
    json generation{{"generation", static_cast<std::uint32_t>(view.generation)},
                    {"state", core::to_string(view.state)},
                    {"count", view.count},
                    {"uptime_ms", (source.now - view.created_at).count()},
                    {"workers", workers_json(source, view)},
                    {"awaiting_restart", view.awaiting_restart}};
    if (const Generation* snapshot = source.generation(view.generation)) {
        generation["executable"] = executable_json(snapshot->executable->identity());
        generation["command"] = command_of(*snapshot);
        generation["cwd"] = snapshot->directory->path();
        generation["release"] = release_of(*snapshot);
        const std::vector<std::string> changes = changes_of(*snapshot);
        generation["changed"] = !changes.empty();
        generation["changes"] = changes;
        generation["started_at"] = format_time(snapshot->prepared_at);
    }
    return generation;
}

// Those of the generation that serves; while the first one starts, those of that.
Listeners listeners_of(const StatusSource& source) {
    const Generation* serving = nullptr;
    for (const auto& view : source.view.generations) {
        const Generation* snapshot = source.generation(view.generation);
        if (serving == nullptr || view.state == core::GenerationState::active) serving = snapshot;
    }
    return serving == nullptr ? Listeners{} : serving->listeners;
}

bool is_reachable(const StatusSource& source) {
    return std::ranges::any_of(listeners_of(source),
                               [](const auto& listener) { return listener->dead_socket() == nullptr; });
}

// Of the workers, and of what the core knows nothing of: the listeners, and how the last reload ended.
core::Health health_of(const StatusSource& source, bool listener_problem) {
    const core::Health workers = source.view.health;
    if (workers == core::Health::down || !is_reachable(source)) return core::Health::down;
    const bool failed = source.last_reload && !source.last_reload->promoted;
    return listener_problem || failed ? core::Health::degraded : workers;
}

std::string state_text(const StatusSource& source, core::Health health) {
    const core::InstanceState state = source.view.state;
    const bool should_serve =
        state == core::InstanceState::running || state == core::InstanceState::reloading;
    return should_serve && health == core::Health::down ? "down" : core::to_string(state);
}

json listeners_json(const StatusSource& source) {
    json listeners = json::array();
    for (const auto& listener : listeners_of(source)) {
        json row{{"name", listener->name()}, {"address", listener->address()},
                 {"kind", listener->kind()}, {"sockets", listener->sockets().size()},
                 {"queue", nullptr},         {"queue_limit", nullptr},
                 {"problem", nullptr}};
        if (const auto queue = listener->queue()) {
            row["queue"] = queue->length;
            row["queue_limit"] = queue->limit;
        }
        if (const std::string problem = source.problem(*listener); !problem.empty()) row["problem"] = problem;
        listeners.push_back(std::move(row));
    }
    return listeners;
}

}  // namespace

json status_json(const StatusSource& source) {
    const json listeners = listeners_json(source);
    const core::Health health = health_of(source, any_problem(listeners));
    json status{{"name", source.name},
                {"pid", ::getpid()},
                {"state", state_text(source, health)},
                {"health", core::to_string(health)},
                {"degraded", source.view.degraded || any_problem(listeners)},
                {"serving", source.view.serving},
                {"wanted", source.view.wanted},
                {"version", version},
                {"config", source.config_file},
                {"log", source.log_file.empty() ? json(nullptr) : json(source.log_file)},
                {"uptime_ms", (source.now - source.started_at).count()},
                {"listeners", listeners},
                {"generations", json::array()},
                {"last_reload", nullptr}};
    for (const auto& generation : source.view.generations) {
        status["generations"].push_back(generation_json(source, generation));
    }
    status["left_behind"] = source.left_behind;
    if (source.last_reload) status["last_reload"] = to_json(*source.last_reload);
    return status;
}

}  // namespace sup
