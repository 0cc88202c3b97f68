#include "master/notify/ack_message.h"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

namespace sup {
namespace {

constexpr std::string_view ack_command = "worker:ack";

std::optional<pid_t> to_pid(std::string_view text) {
    pid_t pid = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (problem != std::errc{} || rest != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
}

std::optional<pid_t> parse_json(std::string_view line) {
    const auto message = nlohmann::json::parse(line, nullptr, false);
    if (!message.is_object()) return std::nullopt;
    const auto command = message.find("command");
    const auto pid = message.find("pid");
    if (command == message.end() || *command != ack_command) return std::nullopt;
    if (pid == message.end() || !pid->is_number_integer()) return std::nullopt;
    return to_pid(pid->dump());
}

// einhorn's client escapes nothing but these two.
std::string unescape(std::string_view line) {
    std::string text;
    for (std::size_t at = 0; at < line.size(); ++at) {
        const std::string_view escape = line.substr(at, 3);
        if (escape == "%0A" || escape == "%25") {
            text += escape == "%0A" ? '\n' : '%';
            at += 2;
        } else {
            text += line[at];
        }
    }
    return text;
}

std::string_view trim(std::string_view text, std::string_view away) {
    const std::size_t first = text.find_first_not_of(away);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(away) - first + 1);
}

// A mapping of words to words is all of YAML that this needs; a Ruby symbol has a colon before it.
std::optional<pid_t> parse_yaml(std::string_view line) {
    const std::string text = unescape(line);
    bool acknowledges = false;
    std::optional<pid_t> pid;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view entry = std::string_view(text).substr(at, end - at);
        at = end + 1;
        const std::size_t colon = entry.find(": ");
        if (colon == entry.npos) continue;
        const std::string_view key = trim(entry.substr(0, colon), " :'\"");
        const std::string_view value = trim(entry.substr(colon + 1), " '\"");
        if (key == "command") acknowledges = value == ack_command;
        if (key == "pid") pid = to_pid(value);
    }
    return acknowledges ? pid : std::nullopt;
}

}  // namespace

std::optional<pid_t> parse_ack(std::string_view line) {
    return line.starts_with("---") ? parse_yaml(line) : parse_json(line);
}

}  // namespace sup
