#include "master/cli/outcome_text.h"

#include <nlohmann/json.hpp>

#include "common/count.h"
#include "common/duration.h"
#include "master/cli/json_access.h"

namespace sup::cli {
namespace {

using nlohmann::json;

std::string name_of(std::int64_t generation) {
    return "generation " + std::to_string(generation);
}

// Null when it is gone, or nothing is known.
const json& find_generation(std::int64_t number, const json& status) {
    for (const auto& generation : member(status, "generations")) {
        if (number_of(generation, "generation") == number) return generation;
    }
    return member(status, "none");
}

// Null when none serves, or nothing is known.
const json& find_active(const json& status) {
    for (const auto& generation : member(status, "generations")) {
        if (text_of(generation, "state") == "active") return generation;
    }
    return member(status, "none");
}

// "generation 2 (2 workers) serves"
std::string serves(const json& generation) {
    const auto count = number_of(generation, "count");
    const std::string workers = count ? " (" + counted(*count, "worker") + ")" : "";
    return name_of(number_of(generation, "generation").value_or(0)) + workers + " serves";
}

bool is_stopping(const json& status) {
    return text_of(status, "state") == "stopping";
}

// What has become by now of a generation that was promoted.
std::string since_promotion(std::int64_t number, const json& status) {
    const json& active = find_active(status);
    if (number_of(active, "generation") == number) return serves(active);
    std::string text = name_of(number) + " was promoted";
    if (member(status, "generations").is_array() && find_generation(number, status).is_null())
        text += " and is gone";
    if (active.is_object()) text += ", by now " + serves(active);
    if (is_stopping(status)) text += ", the instance is stopping";
    return text;
}

// ", 12 connections of chat ended: the new release cannot read their state"
std::string unreadable_of(const json& outcome) {
    std::string text;
    const json& by_protocol = member(member(outcome, "connections"), "unreadable");
    if (!by_protocol.is_object()) return text;
    for (const auto& [protocol, connections] : by_protocol.items()) {
        if (!connections.is_number_integer()) continue;
        const auto count = connections.get<std::int64_t>();
        text += ", " + counted(count, "connection") + " of " + protocol +
                " ended: the new release cannot read " + (count == 1 ? "its" : "their") + " state";
    }
    return text;
}

// ", 1 worker died while it drained, 245 connections were cut: see the log"
std::string died_of(const json& outcome) {
    const auto died = number_of(outcome, "died").value_or(0);
    if (died == 0) return {};
    const auto closed = number_of(member(outcome, "connections"), "closed").value_or(0);
    return ", " + counted(died, "worker") + " died while " + (died == 1 ? "it" : "they") + " drained" +
           (closed == 0 ? ""
                        : ", " + counted(closed, "connection") + (closed == 1 ? " was" : " were") + " cut") +
           ": see the log";
}

std::string duration_of(const json& outcome) {
    return describe_duration(Duration{number_of(outcome, "duration_ms").value_or(0)});
}

}  // namespace

std::string describe_reload(const json& outcome, const json& status) {
    const auto number = number_of(outcome, "generation").value_or(0);
    std::string text = "reloaded: " + since_promotion(number, status);
    for (const auto& generation : member(status, "generations")) {
        if (text_of(generation, "state") != "draining") continue;
        text += ", " + name_of(number_of(generation, "generation").value_or(0)) + " is draining";
    }
    return text + unreadable_of(outcome) + died_of(outcome) + ", " + duration_of(outcome);
}

std::string describe_start(const json& outcome, const json& status) {
    const auto number = number_of(outcome, "generation").value_or(0);
    std::string text = text_of(outcome, "name") + (is_stopping(status) ? " was up: pid " : " is up: pid ") +
                       std::to_string(number_of(outcome, "pid").value_or(0)) + ", " +
                       since_promotion(number, status);
    if (find_active(status).is_null()) return text + ", " + duration_of(outcome);
    std::string separator = " on ";
    for (const auto& listener : member(status, "listeners")) {
        text += separator + text_of(listener, "name") + " " + text_of(listener, "address");
        separator = ", ";
    }
    return text + ", " + duration_of(outcome);
}

std::string describe_failed_reload(const json& outcome, const json& status) {
    const std::string reason = text_of(outcome, "reason");
    const bool still_serves = status.is_object() && !is_stopping(status);
    const std::string what = reason == "stopping"
                                 ? "the reload was abandoned because the instance is stopping"
                             : still_serves ? "the reload failed; the previous generation is still serving"
                                            : "the reload failed";
    std::string text = describe_failure(what, reason, member(outcome, "worker_output"));
    if (const std::string left = names_of_left_behind(member(status, "left_behind")); !left.empty())
        text += "\nthis is left: " + left + "; end it as its user or as root";
    if (const std::string log = text_of(status, "log"); !log.empty()) text += "\nthe log is " + log;
    return text;
}

std::string describe_failure(const std::string& what, const std::string& reason, const json& worker_output) {
    std::string text = what + ": " + reason;
    if (!worker_output.is_array() || worker_output.empty()) return text;
    text += "\nthe worker's last lines:";
    for (const auto& line : worker_output) {
        if (line.is_string()) text += "\n  " + line.get<std::string>();
    }
    return text;
}

std::string names_of_left_behind(const json& left_behind) {
    std::string names;
    for (const auto& process : left_behind) {
        const std::string held = text_of(process, "listeners");
        names += (names.empty() ? "" : "; ") + text_of(process, "name") + ", " + text_of(process, "why");
        if (!held.empty()) names += ", and which may hold " + held;
    }
    return names;
}

}  // namespace sup::cli
