#include "master/cli/progress.h"

#include <unistd.h>

#include <utility>

#include "common/count.h"
#include "common/duration.h"
#include "master/cli/generation_name.h"
#include "master/cli/terminal.h"

namespace sup::cli {
namespace {

std::string workers(std::uint64_t count) {
    return counted(count, "worker");
}

// Of many workers not everyone is worth a line.
bool worth_telling(std::uint64_t part, std::uint64_t whole) {
    constexpr std::uint64_t lines = 10;
    if (part == 0) return false;
    return part >= whole || whole <= lines || part * lines / whole != (part - 1) * lines / whole;
}

}  // namespace

std::optional<std::string> ProgressModel::take(const status::Event& event) {
    return std::visit([this](const auto& one) { return this->tell(one); }, event);
}

std::optional<std::string> ProgressModel::tell(const status::GenerationEvent& event) {
    auto& generation = generations_[event.generation];
    generation.state = event.state;
    generation.count = event.workers;
    const std::string name = name_of(event.generation);
    if (event.state == "starting") return name + ": starting " + workers(event.workers);
    if (event.state == "soaking") return name + ": ready, soaking";
    if (event.state == "active") return name + " serves";
    if (event.state == "draining") return name + ": draining " + workers(event.workers);
    if (event.state == "aborting") {
        if (event.ready == 0) return name + ": abandoned; stopping its workers";
        return name + ": abandoned; " + workers(event.ready) + (event.ready == 1 ? " serves" : " serve") +
               " until the slots are given back";
    }
    if (event.state == "gone") return name + " is gone";
    return std::nullopt;
}

std::optional<std::string> ProgressModel::tell(const status::WorkerEvent& event) {
    const auto found = generations_.find(event.generation);
    if (found == generations_.end() || found->second.state != "draining") return std::nullopt;
    if (event.state != "exited") return std::nullopt;
    auto& generation = found->second;
    generation.exited.insert(event.slot);
    const auto exited = generation.exited.size();
    if (exited >= generation.count || !worth_telling(exited, generation.count)) return std::nullopt;
    return name_of(event.generation) + ": draining, " + workers(generation.count - exited) + " of " +
           std::to_string(generation.count) + " left";
}

std::optional<std::string> ProgressModel::tell(const status::WorkerReadyEvent& event) {
    generations_[event.generation].count = event.count;
    if (!worth_telling(event.ready, event.count)) return std::nullopt;
    return name_of(event.generation) + ": workers ready " + std::to_string(event.ready) + "/" +
           std::to_string(event.count);
}

std::optional<std::string> ProgressModel::tell(const status::RestartEvent& event) {
    return name_of(event.generation) + ": worker " + std::to_string(event.slot) +
           " ended and will be restarted " +
           (event.delay.count() == 0 ? "at once" : "in " + describe_duration(event.delay));
}

std::optional<std::string> ProgressModel::tell(const status::ReloadWaitsEvent& event) {
    return "waiting: " + counted(event.draining, "generation") + (event.draining == 1 ? " is" : " are") +
           " still draining (reload.max_draining is " + std::to_string(event.max_draining) + ")";
}

Progress Progress::on_stdout() {
    return {can_draw(STDOUT_FILENO) ? Mode::live : Mode::lines, STDOUT_FILENO};
}

Progress Progress::beside_json() {
    return {can_draw(STDERR_FILENO) ? Mode::live : Mode::silent, STDERR_FILENO};
}

// Errors are not repeated: they are the outcome's reason.
std::optional<std::string> warning_in(const status::Event& event) {
    const auto* entry = std::get_if<status::LogEvent>(&event);
    if (entry == nullptr || entry->level != "warning") return std::nullopt;
    return "warning: " + entry->message;
}

void Progress::take(const status::Event& event) {
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
