#include "master/cli/progress.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/count.h"
#include "common/duration.h"
#include "master/cli/json_access.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

using nlohmann::json;

std::string name_of(std::int64_t generation) {
    return "generation " + std::to_string(generation);
}

std::string workers(std::int64_t count) {
    return counted(count, "worker");
}

std::string reload_waits(const json& event) {
    const auto draining = number_of(event, "draining").value_or(0);
    return "waiting: " + counted(draining, "generation") + (draining == 1 ? " is" : " are") +
           " still draining (reload.max_draining is " +
           std::to_string(number_of(event, "max_draining").value_or(0)) + ")";
}

std::string restart_scheduled(const json& event) {
    const Duration delay{number_of(event, "delay_ms").value_or(0)};
    return name_of(number_of(event, "generation").value_or(0)) + ": worker " +
           std::to_string(number_of(event, "slot").value_or(0)) + " ended and will be restarted " +
           (delay.count() == 0 ? "at once" : "in " + describe_duration(delay));
}

// Of many workers not everyone is worth a line.
bool worth_telling(std::int64_t part, std::int64_t whole) {
    constexpr std::int64_t lines = 10;
    return part >= whole || whole <= lines || part * lines / whole != (part - 1) * lines / whole;
}

}  // namespace

std::optional<std::string> ProgressModel::take(const json& event) {
    const std::string type = text_of(event, "type");
    if (type == "generation") return generation_changed(event);
    if (type == "worker") return worker_changed(event);
    if (type == "worker_ready") return worker_ready(event);
    if (type == "reload_waits") return reload_waits(event);
    if (type == "restart_scheduled") return restart_scheduled(event);
    return std::nullopt;
}

std::optional<std::string> ProgressModel::generation_changed(const json& event) {
    const auto number = number_of(event, "generation").value_or(0);
    auto& generation = generations_[number];
    generation.state = text_of(event, "state");
    generation.count = number_of(event, "workers").value_or(generation.count);
    const std::string name = name_of(number);
    if (generation.state == "starting") return name + ": starting " + workers(generation.count);
    if (generation.state == "soaking") return name + ": ready, soaking";
    if (generation.state == "active") return name + " serves";
    if (generation.state == "draining") return name + ": draining " + workers(generation.count);
    if (generation.state == "aborting") {
        const auto serving = number_of(event, "ready").value_or(0);
        if (serving == 0) return name + " was abandoned; its workers are being stopped";
        return name + " was abandoned; " + workers(serving) + (serving == 1 ? " serves" : " serve") +
               " until the slots are given back";
    }
    if (generation.state == "gone") return name + " is gone";
    return std::nullopt;
}

std::optional<std::string> ProgressModel::worker_changed(const json& event) {
    const auto number = number_of(event, "generation").value_or(0);
    const auto found = generations_.find(number);
    if (found == generations_.end() || found->second.state != "draining") return std::nullopt;
    if (text_of(event, "state") != "exited") return std::nullopt;
    auto& generation = found->second;
    generation.exited.insert(number_of(event, "slot").value_or(0));
    const auto exited = static_cast<std::int64_t>(generation.exited.size());
    const auto left = generation.count - exited;
    if (left <= 0 || !worth_telling(exited, generation.count)) return std::nullopt;
    return name_of(number) + ": draining, " + workers(left) + " of " + std::to_string(generation.count) +
           " left";
}

std::optional<std::string> ProgressModel::worker_ready(const json& event) {
    const auto number = number_of(event, "generation").value_or(0);
    const auto ready = number_of(event, "ready").value_or(0);
    const auto count = number_of(event, "count").value_or(0);
    generations_[number].count = count;
    if (!worth_telling(ready, count)) return std::nullopt;
    return name_of(number) + ": workers ready " + std::to_string(ready) + "/" + std::to_string(count);
}

Progress Progress::on_stdout() {
    return {can_draw(STDOUT_FILENO) ? Mode::live : Mode::lines, STDOUT_FILENO};
}

Progress Progress::beside_json() {
    return {can_draw(STDERR_FILENO) ? Mode::live : Mode::silent, STDERR_FILENO};
}

// Errors are not repeated: they are the outcome's reason.
std::optional<std::string> warning_in(const json& event) {
    if (text_of(event, "type") != "log" || text_of(event, "level") != "warning") return std::nullopt;
    return "warning: " + text_of(event, "message");
}

void Progress::take(const json& event) {
    if (mode_ == Mode::silent) return;
    if (const auto warning = warning_in(event)) {
        clear();  // a warning stays: what is drawn next comes below it
        write_text(fd_, harmless(*warning, "\n  ") + "\n");
        return;
    }
    const auto line = model_.take(event);
    if (!line) return;
    if (mode_ == Mode::lines) {
        write_text(fd_, harmless(*line) + "\n");
        return;
    }
    // One column less than there are: a line that fills the last one wraps at some terminals.
    write_text(fd_, "\r\033[K" + shortened(harmless(*line), terminal_width(fd_) - 1));
    shown_ = true;
}

void Progress::clear() {
    if (std::exchange(shown_, false)) write_text(fd_, "\r\033[K");
}

}  // namespace sup::cli
