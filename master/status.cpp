#include "master/status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "common/version.h"
#include "master/process/process_info.h"

namespace sup {
namespace {

using nlohmann::json;

json executable_json(const ExecutableIdentity& executable) {
    const auto modified = std::chrono::system_clock::from_time_t(executable.mtime.tv_sec);
    return {{"path", executable.path},   {"pinned", executable.pinned}, {"device", executable.device},
            {"inode", executable.inode}, {"size", executable.size},     {"mtime", format_time(modified)}};
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
                {"requests", nullptr}};
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

json generation_json(const StatusSource& source, const core::GenerationView& view) {
    json generation{{"generation", static_cast<std::uint32_t>(view.generation)},
                    {"state", core::to_string(view.state)},
                    {"count", view.count},
                    {"uptime_ms", (source.now - view.created_at).count()},
                    {"workers", json::array()},
                    {"awaiting_restart", view.awaiting_restart}};
    if (const Generation* snapshot = source.generation(view.generation)) {
        generation["executable"] = executable_json(snapshot->executable->identity());
        generation["started_at"] = format_time(snapshot->prepared_at);
    }
    for (const auto& worker : view.workers) generation["workers"].push_back(worker_json(source, worker));
    return generation;
}

// Those of the generation that serves; while the first one starts, those of that.
json listeners_json(const StatusSource& source) {
    const Generation* serving = nullptr;
    for (const auto& view : source.view.generations) {
        const Generation* snapshot = source.generation(view.generation);
        if (serving == nullptr || view.state == core::GenerationState::active) serving = snapshot;
    }
    json listeners = json::array();
    if (serving == nullptr) return listeners;
    for (const auto& listener : serving->listeners) {
        listeners.push_back({{"name", listener->name()},
                             {"address", listener->address()},
                             {"kind", listener->kind()},
                             {"sockets", listener->sockets().size()}});
    }
    return listeners;
}

}  // namespace

json status_json(const StatusSource& source) {
    json status{{"name", source.name},
                {"pid", ::getpid()},
                {"state", core::to_string(source.view.state)},
                {"degraded", source.view.degraded},
                {"version", version},
                {"config", source.config_file},
                {"uptime_ms", (source.now - source.started_at).count()},
                {"listeners", listeners_json(source)},
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
