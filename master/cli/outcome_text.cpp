#include "master/cli/outcome_text.h"

#include <algorithm>

#include "common/count.h"
#include "common/duration.h"
#include "master/cli/generation_name.h"

namespace sup::cli {
namespace {

using After = std::optional<status::Picture>;

// Null when none serves, or nothing is known.
const status::Generation* find_active(const After& after) {
    if (!after) return nullptr;
    const auto found = std::ranges::find(after->generations, "active", &status::Generation::state);
    return found == after->generations.end() ? nullptr : &*found;
}

bool is_gone(std::uint32_t number, const After& after) {
    return after && std::ranges::find(after->generations, number, &status::Generation::generation) ==
                        after->generations.end();
}

// "generation 2 (2 workers) serves"
std::string serves(const status::Generation& generation) {
    return name_of(generation.generation) + " (" + counted(generation.count, "worker") + ") serves";
}

bool is_stopping(const After& after) {
    return after && after->state == "stopping";
}

// What has become by now of a generation that was promoted.
std::string since_promotion(std::uint32_t number, const After& after) {
    const status::Generation* active = find_active(after);
    if (active != nullptr && active->generation == number) return serves(*active);
    std::string text = name_of(number) + " was promoted";
    if (is_gone(number, after)) text += " and is gone";
    if (active != nullptr) text += ", by now " + serves(*active);
    if (is_stopping(after)) text += ", the instance is stopping";
    return text;
}

// ", 12 connections of chat ended: the new release cannot read their state"
std::string unreadable_of(const status::Reload& outcome) {
    std::string text;
    for (const auto& [protocol, count] : outcome.connections.unreadable) {
        text += ", " + counted(count, "connection") + " of " + protocol +
                " ended: the new release cannot read " + (count == 1 ? "its" : "their") + " state";
    }
    return text;
}

// ", 1 worker died while it drained, 245 connections were cut: see the log"
std::string died_of(const status::Reload& outcome) {
    const auto died = outcome.died;
    if (died == 0) return {};
    const auto closed = outcome.connections.closed;
    return ", " + counted(died, "worker") + " died while " + (died == 1 ? "it" : "they") + " drained" +
           (closed == 0 ? ""
                        : ", " + counted(closed, "connection") + (closed == 1 ? " was" : " were") + " cut") +
           ": see the log";
}

}  // namespace

std::string describe_reload(const status::Reload& outcome, const After& after) {
    std::string text = "reloaded: " + since_promotion(outcome.generation.value_or(0), after);
    if (after) {
        for (const auto& generation : after->generations) {
            if (generation.state == "draining")
                text += ", " + name_of(generation.generation) + " is draining";
        }
    }
    return text + unreadable_of(outcome) + died_of(outcome) + ", " + describe_duration(outcome.duration);
}

std::string describe_start(const status::Started& started, const After& after) {
    std::string text = started.name + (is_stopping(after) ? " was up: pid " : " is up: pid ") +
                       std::to_string(started.pid) + ", " +
                       since_promotion(started.outcome.generation.value_or(0), after);
    if (find_active(after) != nullptr) {
        std::string separator = " on ";
        for (const auto& listener : after->listeners) {
            text += separator + listener.name + " " + listener.address;
            separator = ", ";
        }
    }
    return text + ", " + describe_duration(started.outcome.duration);
}

std::string describe_failed_reload(const status::Reload& outcome, const After& after) {
    const bool still_serves = after && !is_stopping(after);
    const std::string what = outcome.reason == "stopping"
                                 ? "the reload was abandoned because the instance is stopping"
                             : still_serves ? "the reload failed; the previous generation is still serving"
                                            : "the reload failed";
    std::string text = describe_failure(what, outcome.reason, outcome.worker_output);
    if (!after) return text;
    if (const std::string left = names_of_left_behind(after->left_behind); !left.empty())
        text += "\nthis is left: " + left + "; end it as its user or as root";
    if (after->log) text += "\nthe log is " + *after->log;
    return text;
}

std::string describe_failure(const std::string& what, const std::string& reason,
                             const std::vector<std::string>& worker_output) {
    std::string text = what + ": " + reason;
    if (!worker_output.empty()) text += "\nthe worker's last lines:";
    for (const std::string& line : worker_output) text += "\n  " + line;
    return text;
}

std::string names_of_left_behind(const std::vector<status::LeftBehind>& left_behind) {
    std::string names;
    for (const status::LeftBehind& process : left_behind) {
        names += (names.empty() ? "" : "; ") + process.name + ", " + process.why;
        if (!process.listeners.empty()) names += ", and which may hold " + process.listeners;
    }
    return names;
}

}  // namespace sup::cli
