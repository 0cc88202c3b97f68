// The one list of each type's fields and of their names in JSON, from which writing, reading and the check of
// docs/json.md come.
//
// `visit(name, field)` or `visit(name, field, told)`: a field that is not told has no key at all.
#pragma once

#include <concepts>
#include <type_traits>

#include "master/status/answers.h"
#include "master/status/event.h"
#include "master/status/picture.h"

namespace sup::status {

template <typename T, typename Type>
concept Is = std::same_as<std::remove_const_t<T>, Type>;

void fields(Is<LeftBehind> auto& it, auto&& visit) {
    visit("pid", it.pid);
    visit("name", it.name);
    visit("why", it.why);
    visit("generation", it.generation);
    visit("slot", it.slot);
    visit("listeners", it.listeners);
}

void fields(Is<Executable> auto& it, auto&& visit) {
    visit("path", it.path);
    visit("pinned", it.pinned);
    visit("device", it.device);
    visit("inode", it.inode);
    visit("size", it.size);
    visit("mtime", it.mtime);
    visit("at_path", it.at_path);
}

void fields(Is<LastExit> auto& it, auto&& visit) {
    visit("how", it.how);
    visit("at", it.at);
    visit("ago_ms", it.ago);
    visit("code", it.code);
    visit("signal", it.signal);
}

void fields(Is<Worker> auto& it, auto&& visit) {
    visit("slot", it.slot);
    visit("pid", it.pid);
    visit("state", it.state);
    visit("uptime_ms", it.uptime);
    visit("restarts", it.restarts);
    visit("status", it.said);
    visit("rss_bytes", it.rss_bytes);
    visit("connections", it.connections);
    visit("requests", it.requests);
    visit("last_exit", it.last_exit);
    visit("retry_in_ms", it.retry_in);
    visit("short_lives", it.short_lives);
}

void fields(Is<Generation> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("state", it.state);
    visit("count", it.count);
    visit("uptime_ms", it.uptime);
    visit("workers", it.workers);
    visit("awaiting_restart", it.awaiting_restart);
    const bool prepared = it.executable.has_value();
    visit("executable", it.executable, prepared);
    visit("command", it.command, prepared);
    visit("cwd", it.cwd, prepared);
    visit("release", it.release, prepared);
    visit("changed", it.changed, prepared);
    visit("changes", it.changes, prepared);
    visit("started_at", it.started_at, prepared);
}

void fields(Is<Listener> auto& it, auto&& visit) {
    visit("name", it.name);
    visit("address", it.address);
    visit("kind", it.kind);
    visit("sockets", it.sockets);
    visit("queue", it.queue);
    visit("queue_limit", it.queue_limit);
    visit("problem", it.problem);
}

void fields(Is<Connections> auto& it, auto&& visit) {
    visit("handed_over", it.handed_over);
    visit("drained", it.drained);
    visit("closed", it.closed);
    visit("unreadable", it.unreadable, !it.unreadable.empty());
}

void fields(Is<Reload> auto& it, auto&& visit) {
    const bool failed = it.outcome != "promoted";
    visit("generation", it.generation);
    visit("outcome", it.outcome);
    visit("reason", it.reason);
    visit("connections", it.connections);
    visit("died", it.died, it.died > 0);
    visit("duration_ms", it.duration);
    visit("at", it.at);
    visit("configuration_error", it.configuration_error, failed);
    visit("worker_output", it.worker_output, failed);
}

void fields(Is<Picture> auto& it, auto&& visit) {
    visit("name", it.name);
    visit("pid", it.pid);
    visit("state", it.state);
    visit("health", it.health);
    visit("degraded", it.degraded);
    visit("serving", it.serving);
    visit("wanted", it.wanted);
    visit("version", it.version);
    visit("config", it.config);
    visit("log", it.log);
    visit("uptime_ms", it.uptime);
    visit("listeners", it.listeners);
    visit("generations", it.generations);
    visit("last_reload", it.last_reload);
    visit("left_behind", it.left_behind);
}

void fields(Is<Started> auto& it, auto&& visit) {
    fields(it.outcome, visit);
    visit("pid", it.pid);
    visit("name", it.name);
}

void fields(Is<FailedStart> auto& it, auto&& visit) {
    visit("worker_output", it.worker_output);
    visit("configuration_error", it.configuration_error);
    visit("left_behind", it.left_behind);
    visit("log", it.log);
}

void fields(Is<Stopped> auto& it, auto&& visit) {
    visit("stopped", it.stopped);
    visit("left_behind", it.left_behind);
}

void fields(Is<Listed> auto& it, auto&& visit) {
    visit("name", it.name);
    visit("pid", it.pid);
    visit("state", it.state);
    visit("config", it.config);
    visit("degraded", it.degraded);
    visit("serving", it.serving);
    visit("wanted", it.wanted);
}

void fields(Is<GenerationEvent> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("state", it.state);
    visit("workers", it.workers);
    visit("ready", it.ready);
}

void fields(Is<WorkerEvent> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("slot", it.slot);
    visit("pid", it.pid);
    visit("state", it.state);
}

void fields(Is<WorkerReadyEvent> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("slot", it.slot);
    visit("pid", it.pid);
    visit("ready", it.ready);
    visit("count", it.count);
}

void fields(Is<RestartEvent> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("slot", it.slot);
    visit("delay_ms", it.delay);
}

void fields(Is<ReloadWaitsEvent> auto& it, auto&& visit) {
    visit("draining", it.draining);
    visit("max_draining", it.max_draining);
}

void fields(Is<CountEvent> auto& it, auto&& visit) {
    visit("generation", it.generation);
    visit("count", it.count);
}

void fields(Is<LogEvent> auto& it, auto&& visit) {
    visit("level", it.level);
    visit("message", it.message);
}

// The `type` of an event.
constexpr const char* type_of(const GenerationEvent&) {
    return "generation";
}
constexpr const char* type_of(const WorkerEvent&) {
    return "worker";
}
constexpr const char* type_of(const WorkerReadyEvent&) {
    return "worker_ready";
}
constexpr const char* type_of(const RestartEvent&) {
    return "restart_scheduled";
}
constexpr const char* type_of(const ReloadWaitsEvent&) {
    return "reload_waits";
}
constexpr const char* type_of(const CountEvent&) {
    return "count";
}
constexpr const char* type_of(const LogEvent&) {
    return "log";
}

}  // namespace sup::status
