#include "tests/integration/support/status.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sup::test {

namespace {

using Json = nlohmann::json;

template <typename T>
T parse(const std::string& text, T (*convert)(const Json&)) {
    try {
        return convert(Json::parse(text));
    } catch (const Json::exception& error) {
        throw std::runtime_error(std::string(error.what()) + " in: " + text);
    }
}

WorkerStatus to_worker(const Json& json) {
    WorkerStatus worker;
    worker.slot = json.at("slot");
    worker.pid = json.at("pid").is_null() ? 0 : json.at("pid").get<pid_t>();
    worker.state = json.at("state");
    worker.restarts = json.at("restarts");
    worker.text = json.at("status");
    worker.rss_bytes = json.at("rss_bytes").is_null() ? 0 : json.at("rss_bytes").get<std::int64_t>();
    json.at("uptime_ms");
    if (!json.at("connections").is_null()) worker.connections = json.at("connections");
    json.at("requests");
    return worker;
}

GenerationStatus to_generation(const Json& json) {
    GenerationStatus generation;
    generation.number = json.at("generation");
    generation.state = json.at("state");
    const Json& executable = json.at("executable");
    generation.executable = executable.at("path");
    generation.pinned = executable.at("pinned");
    for (const char* key : {"device", "inode", "size", "mtime"}) executable.at(key);
    for (const char* key : {"started_at", "uptime_ms"}) json.at(key);
    for (const auto& worker : json.at("workers")) generation.workers.push_back(to_worker(worker));
    return generation;
}

ReloadReport to_reload_report(const Json& json) {
    ReloadReport report;
    if (!json.at("generation").is_null()) report.generation = json.at("generation").get<int>();
    report.outcome = json.at("outcome");
    report.reason = json.at("reason");
    report.worker_output = json.value("worker_output", std::vector<std::string>{});
    for (const char* key : {"duration_ms", "at"}) json.at(key);
    if (const auto found = json.find("connections"); found != json.end()) {
        report.handed_over = found->at("handed_over");
        report.drained = found->at("drained");
        report.closed = found->at("closed");
    }
    return report;
}

InstanceStatus to_status(const Json& json) {
    InstanceStatus status;
    status.name = json.at("name");
    status.pid = json.at("pid");
    status.state = json.at("state");
    status.degraded = json.at("degraded");
    status.version = json.at("version");
    status.config = json.at("config");
    json.at("uptime_ms");
    for (const auto& listener : json.at("listeners")) {
        listener.at("name");
        status.addresses.push_back(listener.at("address"));
    }
    for (const auto& generation : json.at("generations"))
        status.generations.push_back(to_generation(generation));
    if (!json.at("last_reload").is_null()) status.last_reload = to_reload_report(json.at("last_reload"));
    return status;
}

std::vector<ListedInstance> to_list(const Json& json) {
    std::vector<ListedInstance> instances;
    for (const auto& entry : json) {
        instances.push_back({entry.at("name"), entry.at("pid"), entry.at("state"), entry.at("config")});
    }
    return instances;
}

}  // namespace

std::vector<pid_t> GenerationStatus::pids() const {
    std::vector<pid_t> found;
    for (const auto& worker : workers) {
        if (worker.pid > 0) found.push_back(worker.pid);
    }
    return found;
}

bool GenerationStatus::all_ready() const {
    return !workers.empty() && std::all_of(workers.begin(), workers.end(),
                                           [](const auto& worker) { return worker.state == "ready"; });
}

std::uint64_t GenerationStatus::connections() const {
    std::uint64_t sum = 0;
    for (const auto& worker : workers) sum += worker.connections.value_or(0);
    return sum;
}

const GenerationStatus* InstanceStatus::generation(int number) const {
    for (const auto& generation : generations) {
        if (generation.number == number) return &generation;
    }
    return nullptr;
}

const GenerationStatus* InstanceStatus::active() const {
    for (const auto& generation : generations) {
        if (generation.state == "active") return &generation;
    }
    return nullptr;
}

bool InstanceStatus::settled() const {
    return state == "running" && generations.size() == 1 && generations[0].state == "active" &&
           generations[0].all_ready();
}

InstanceStatus parse_status(const std::string& json) {
    return parse(json, to_status);
}
ReloadReport parse_reload_report(const std::string& json) {
    return parse(json, to_reload_report);
}
std::vector<ListedInstance> parse_list(const std::string& json) {
    return parse(json, to_list);
}

}  // namespace sup::test
