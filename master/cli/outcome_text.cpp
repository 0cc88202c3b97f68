#include "master/cli/outcome_text.h"

#include <nlohmann/json.hpp>

#include "common/duration.h"
#include "master/cli/json_access.h"

namespace sup::cli {
namespace {

using nlohmann::json;

std::string workers_in_brackets(std::optional<std::int64_t> count) {
    if (!count) return {};
    return " (" + std::to_string(*count) + (*count == 1 ? " worker)" : " workers)");
}

std::string duration_of(const json& outcome) {
    return describe_duration(Duration{number_of(outcome, "duration_ms").value_or(0)});
}

}  // namespace

std::string describe_reload(const json& outcome, const ProgressModel& seen) {
    const auto generation = number_of(outcome, "generation").value_or(0);
    std::string text = "reloaded: generation " + std::to_string(generation) +
                       workers_in_brackets(seen.workers_of(generation)) + " serves";
    for (const auto draining : seen.draining())
        text += ", generation " + std::to_string(draining) + " is draining";
    return text + ", " + duration_of(outcome);
}

std::string describe_start(const json& outcome, const json& status) {
    std::string text = text_of(outcome, "name") + " is up: pid " +
                       std::to_string(number_of(outcome, "pid").value_or(0)) + ", generation " +
                       std::to_string(number_of(outcome, "generation").value_or(0));
    for (const auto& generation : member(status, "generations")) {
        if (text_of(generation, "state") == "active")
            text += workers_in_brackets(number_of(generation, "count"));
    }
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
