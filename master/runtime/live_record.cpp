#include "master/runtime/live_record.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "master/runtime/file.h"

namespace sup {
namespace {

using nlohmann::json;

// Every line is a JSON object and blanks up to this; the first is about the master, each other about a
// worker, or blank. So any of them can be overwritten alone, in space that the file has already.
constexpr std::size_t line_bytes = 256;
// How many workers the file has room for when it is written with so many: twice as many, and some.
constexpr std::size_t rows_for(std::size_t workers) {
    return 2 * workers + 255;
}

std::string padded(std::string text) {
    if (text.size() >= line_bytes) std::abort();
    text.resize(line_bytes - 1, ' ');
    return text + '\n';
}

json to_json(const ProcessIdentity& process) {
    return {{"pid", process.pid}, {"start_time", process.start_time}};
}

ProcessIdentity process_from(const json& value) {
    return {value.at("pid").get<pid_t>(), value.at("start_time").get<std::uint64_t>()};
}

std::string header_line(const LiveRecord& record) {
    const json header{
        {"boot_id", record.boot_id},
        {"master", to_json(record.master)},
        {"drain", {{"signal", record.drain_signal}, {"timeout_ms", record.drain_timeout.count()}}}};
    return padded(header.dump());
}

std::string worker_line(const LiveWorker& worker) {
    json line = to_json(worker.process);
    line["generation"] = worker.generation;
    line["slot"] = worker.slot;
    return padded(line.dump());
}

// The same line, but for the process, which fills itself in: blanks that are left around a number are valid
// JSON.
BirthNote note_for(std::uint32_t generation, core::Slot slot) {
    BirthNote note;
    note.text = R"({"pid":)";
    note.pid_at = note.text.size();
    note.text += std::string(BirthNote::pid_room, ' ') + R"(,"start_time":)";
    note.start_time_at = note.text.size();
    note.text += std::string(BirthNote::start_time_room, ' ') + R"(,"generation":)" +
                 std::to_string(generation) + R"(,"slot":)" + std::to_string(slot) + "}";
    note.text = padded(std::move(note.text));
    return note;
}

LiveRecord header_from(const json& value) {
    LiveRecord record;
    record.boot_id = value.at("boot_id").get<std::string>();
    record.master = process_from(value.at("master"));
    record.drain_signal = value.at("drain").at("signal").get<int>();
    record.drain_timeout = Duration{value.at("drain").at("timeout_ms").get<Duration::rep>()};
    return record;
}

LiveWorker worker_from(const json& value) {
    return {process_from(value), value.at("generation").get<std::uint32_t>(),
            value.at("slot").get<core::Slot>()};
}

LiveRecord record_from(std::string_view text) {
    LiveRecord record = header_from(json::parse(text.substr(0, line_bytes)));
    for (std::size_t at = line_bytes; at < text.size(); at += line_bytes) {
        const std::string_view line = text.substr(at, line_bytes);
        if (line.find_first_not_of(" \n") == std::string_view::npos) continue;
        record.workers.push_back(worker_from(json::parse(line)));
    }
    return record;
}

}  // namespace

Status write_live_record(const std::string& path, const LiveRecord& record) {
    std::string text = header_line(record);
    for (const LiveWorker& worker : record.workers) text += worker_line(worker);
    for (auto row = record.workers.size(); row < rows_for(record.workers.size()); ++row) text += padded({});
    return replace_file(path, text);
}

Result<std::optional<LiveRecord>> read_live_record(const std::string& path) {
    auto contents = read_small_file(path, ::geteuid());
    if (!contents) return contents.error();
    if (!*contents) return std::optional<LiveRecord>{};
    try {
        return std::optional{record_from(**contents)};
    } catch (const json::exception& error) {
        return Error{path + " is not a record of live workers (" + error.what() +
                     "); look for running workers, then remove it"};
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
    header_.boot_id = boot_id();
    header_.master = identify_process(::getpid()).value_or(ProcessIdentity{::getpid(), 0});
    header_.drain_signal = drain_signal;
    header_.drain_timeout = drain_timeout;
}

void LiveRecorder::set_drain(int signal, Duration timeout) {
    if (signal == header_.drain_signal && timeout == header_.drain_timeout) return;
    header_.drain_signal = signal;
    header_.drain_timeout = timeout;
    const std::string line = header_line(header_);
    const ssize_t written = file_ ? ::pwrite(file_.get(), line.data(), line.size(), 0) : -1;
    complete_ = complete_ && written == static_cast<ssize_t>(line.size());
}

std::optional<BirthNote> LiveRecorder::reserve(std::uint32_t generation, core::Slot slot) {
    const auto free_row = [this] {
        return std::ranges::find_if(rows_, [](const auto& row) { return !row.has_value(); });
    };
    if (!complete_ || !is_file_at(file_.get(), path_) || free_row() == rows_.end()) {
        [[maybe_unused]] const Status tried = save_anew();  // if not, add() leaves it to save() to tell
    }
    const auto row = free_row();
    if (row == rows_.end()) return std::nullopt;
    reserved_ = static_cast<std::size_t>(row - rows_.begin());
    const auto position = static_cast<off_t>(line_bytes * (1 + reserved_));
    if (::lseek(file_.get(), position, SEEK_SET) != position) return std::nullopt;
    BirthNote note = note_for(generation, slot);
    note.file = file_.get();
    return note;
}

void LiveRecorder::add(pid_t pid, std::uint32_t generation, core::Slot slot, bool noted) {
    // A worker that has already exited is a zombie now and needs no record: its exit is on its way to the
    // master.
    const auto process = identify_process(pid);
    if (!process) return;
    const LiveWorker worker{*process, generation, slot};
    if (noted) {
        rows_.at(reserved_) = worker;
    } else {
        unwritten_.push_back(worker);
        complete_ = false;
    }
}

void LiveRecorder::remove(pid_t pid) {
    std::erase_if(unwritten_, [pid](const LiveWorker& worker) { return worker.process.pid == pid; });
    for (auto& row : rows_) {
        if (row && row->process.pid == pid) row.reset();
    }
}

Status LiveRecorder::restore() {
    return is_file_at(file_.get(), path_) ? save() : save_anew();
}

Status LiveRecorder::save() {
    return complete_ ? Status{Success{}} : save_anew();
}

Status LiveRecorder::save_anew() {
    complete_ = false;
    const LiveRecord all = record();
    if (auto written = write_live_record(path_, all); !written) return written;
    UniqueFd file{::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (!file) return errno_error("cannot open " + path_);
    file_ = std::move(file);
    rows_.assign(all.workers.begin(), all.workers.end());
    rows_.resize(rows_for(all.workers.size()));
    unwritten_.clear();
    complete_ = true;
    return Success{};
}

LiveRecord LiveRecorder::record() const {
    LiveRecord record = header_;
    for (const auto& row : rows_) {
        if (row) record.workers.push_back(*row);
    }
    record.workers.insert(record.workers.end(), unwritten_.begin(), unwritten_.end());
    return record;
}

}  // namespace sup
