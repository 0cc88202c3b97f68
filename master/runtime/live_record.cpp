#include "master/runtime/live_record.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "master/runtime/file.h"

namespace sup {
namespace {

using nlohmann::json;

json to_json(const ProcessIdentity& process) {
    return {{"pid", process.pid}, {"start_time", process.start_time}};
}

ProcessIdentity process_from(const json& value) {
    return {value.at("pid").get<pid_t>(), value.at("start_time").get<std::uint64_t>()};
}

json to_json(const LiveRecord& record) {
    json workers = json::array();
    for (const auto& worker : record.workers) {
        json entry = to_json(worker.process);
        entry["generation"] = worker.generation;
        entry["slot"] = worker.slot;
        workers.push_back(std::move(entry));
    }
    return {{"boot_id", record.boot_id},
            {"master", to_json(record.master)},
            {"drain", {{"signal", record.drain_signal}, {"timeout_ms", record.drain_timeout.count()}}},
            {"workers", std::move(workers)}};
}

LiveRecord record_from(const json& value) {
    LiveRecord record;
    record.boot_id = value.at("boot_id").get<std::string>();
    record.master = process_from(value.at("master"));
    record.drain_signal = value.at("drain").at("signal").get<int>();
    record.drain_timeout = Duration{value.at("drain").at("timeout_ms").get<Duration::rep>()};
    for (const auto& worker : value.at("workers")) {
        record.workers.push_back({process_from(worker), worker.at("generation").get<std::uint32_t>(),
                                  worker.at("slot").get<core::Slot>()});
    }
    return record;
}

}  // namespace

Status write_live_record(const std::string& path, const LiveRecord& record) {
    return replace_file(path, to_json(record).dump() + "\n");
}

Result<std::optional<LiveRecord>> read_live_record(const std::string& path) {
    auto contents = read_small_file(path, ::geteuid());
    if (!contents) return contents.error();
    if (!*contents) return std::optional<LiveRecord>{};
    try {
        return std::optional{record_from(json::parse(**contents))};
    } catch (const json::exception& error) {
        return Error{path + " is not a record of live workers (" + error.what() +
                     "); look for them, then remove it"};
    }
}

std::vector<LiveWorker> still_alive(const LiveRecord& record) {
    std::vector<LiveWorker> alive;
    if (record.boot_id != boot_id()) return alive;
    std::copy_if(
        record.workers.begin(), record.workers.end(), std::back_inserter(alive),
        [](const LiveWorker& worker) { return identify_process(worker.process.pid) == worker.process; });
    return alive;
}

LiveRecorder::LiveRecorder(std::string path, int drain_signal, Duration drain_timeout)
    : path_(std::move(path)) {
    record_.boot_id = boot_id();
    record_.master = identify_process(::getpid()).value_or(ProcessIdentity{::getpid(), 0});
    record_.drain_signal = drain_signal;
    record_.drain_timeout = drain_timeout;
}

void LiveRecorder::set_drain(int signal, Duration timeout) {
    dirty_ = dirty_ || signal != record_.drain_signal || timeout != record_.drain_timeout;
    record_.drain_signal = signal;
    record_.drain_timeout = timeout;
}

Status LiveRecorder::add(pid_t pid, std::uint32_t generation, core::Slot slot) {
    // A worker that has already exited is a zombie now and needs no record: its exit is on its way to the
    // master.
    const auto process = identify_process(pid);
    if (!process) return Success{};
    record_.workers.push_back({*process, generation, slot});
    dirty_ = true;
    return ++unsaved_ < most_unsaved ? Status{Success{}} : save();
}

void LiveRecorder::remove(pid_t pid) {
    std::erase_if(record_.workers, [pid](const LiveWorker& worker) { return worker.process.pid == pid; });
}

Status LiveRecorder::save() {
    if (!dirty_) return Success{};
    auto written = write_live_record(path_, record_);
    dirty_ = !written.ok();
    unsaved_ = 0;
    return written;
}

}  // namespace sup
