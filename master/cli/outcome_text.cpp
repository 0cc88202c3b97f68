#include "master/cli/outcome_text.h"

#include <nlohmann/json.hpp>

#include "common/duration.h"
#include "master/cli/json_access.h"

namespace sup::cli {
namespace {

using nlohmann::json;

// " (2 workers)", empty when the status does not know the generation.
std::string workers_of(std::int64_t number, const json& status) {
    for (const auto& generation : member(status, "generations")) {
        const auto count = number_of(generation, "count");
        if (number_of(generation, "generation") != number || !count) continue;
        return " (" + std::to_string(*count) + (*count == 1 ? " worker)" : " workers)");
    }
    return {};
}

std::string duration_of(const json& outcome) {
    return describe_duration(Duration{number_of(outcome, "duration_ms").value_or(0)});
}

}  // namespace

std::string describe_reload(const json& outcome, const json& status) {
    const auto number = number_of(outcome, "generation").value_or(0);
    std::string text =
        "reloaded: generation " + std::to_string(number) + workers_of(number, status) + " serves";
    for (const auto& generation : member(status, "generations")) {
        if (text_of(generation, "state") != "draining") continue;
        text += ", generation " + std::to_string(number_of(generation, "generation").value_or(0)) +
                " is draining";
    }
    return text + ", " + duration_of(outcome);
}

std::string describe_start(const json& outcome, const json& status) {
    const auto number = number_of(outcome, "generation").value_or(0);
    std::string text = text_of(outcome, "name") + " is up: pid " +
                       std::to_string(number_of(outcome, "pid").value_or(0)) + ", generation " +
                       std::to_string(number) + workers_of(number, status);
    text += " serves";
    std::string separator = " on ";
    for (const auto& listener : member(status, "listeners")) {
        text += separator + text_of(listener, "name") + " " + text_of(listener, "address");
        separator = ", ";
    }
    return text + ", " + duration_of(outcome);
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

}  // namespace sup::cli
