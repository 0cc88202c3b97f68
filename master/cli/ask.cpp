#include "master/cli/ask.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "master/status/json.h"

namespace sup::cli {
namespace {

using nlohmann::json;

template <typename T>
Result<Told<T>, CallError> ask(control::Client& client, const char* method, const json& params,
                               const Deadline& deadline, T (*read)(const json&), const OnEvent& on_event) {
    auto answer = client.call(method, params, deadline, [&](const json& event) {
        if (const auto known = status::read_event(event); known && on_event) on_event(*known);
    });
    if (!answer) return answer.error();
    return Told<T>{read(*answer), answer->dump(-1, ' ', false, json::error_handler_t::replace)};
}

const json& member(const json& object, const char* key) {
    static const json none;
    const auto found = object.find(key);
    return found == object.end() ? none : *found;
}

}  // namespace

Result<Told<status::Picture>, CallError> ask_status(control::Client& client, const Deadline& deadline) {
    return ask(client, "status", json::object(), deadline, status::read_picture, {});
}

Result<Told<status::Reload>, CallError> ask_reload(control::Client& client, bool drained,
                                                   const Deadline& deadline, const OnEvent& on_event) {
    return ask(client, "reload", {{"wait", drained ? "drained" : "promoted"}}, deadline, status::read_reload,
               on_event);
}

Result<Told<status::Stopped>, CallError> ask_stop(control::Client& client, bool now, const Deadline& deadline,
                                                  const OnEvent& on_event) {
    return ask(client, "stop", {{"now", now}}, deadline, status::read_stopped, on_event);
}

std::optional<StartLine> read_start_line(const std::string& line) {
    const json message = json::parse(line, nullptr, false);
    if (!message.is_object()) return std::nullopt;
    if (const json& result = member(message, "result"); result.is_object())
        return status::read_started(result);
    if (const json& error = member(message, "error"); error.is_object()) {
        const json& reason = member(error, "message");
        return StartFailed{reason.is_string() ? reason.get<std::string>() : std::string(),
                           status::read_failed_start(member(error, "data"))};
    }
    if (const auto event = status::read_event(member(message, "params"))) return *event;
    return std::nullopt;
}

}  // namespace sup::cli
