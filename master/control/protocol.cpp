#include "master/control/protocol.h"

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

namespace sup::control {
namespace {

using nlohmann::json;

// Why a request is refused; becomes an error response where there is somebody to answer.
struct Problem {
    ErrorCode code;
    std::string message;
};
template <typename T>
using Parsed = std::variant<T, Problem>;

std::string with_id(const std::string& id, const std::string& rest) {
    return R"({"jsonrpc":"2.0","id":)" + id + "," + rest + "}\n";
}

std::string text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Values are looked at in place, never copied: copying recurses, and a request may nest as deep as it is
// long.
const json* member(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() ? nullptr : &*found;
}

// A misspelled parameter must not be taken for one that was left out.
std::optional<Problem> unknown_parameter(const json& params, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : params.items()) {
        if (std::find(known.begin(), known.end(), key) == known.end()) {
            return Problem{ErrorCode::invalid_params, "unknown parameter '" + key + "'"};
        }
    }
    return std::nullopt;
}

Parsed<Call> parse_reload(const json& params) {
    if (auto problem = unknown_parameter(params, {"wait"})) return *problem;
    const json* wait = member(params, "wait");
    if (wait == nullptr || *wait == "promoted") return ReloadCall{core::WaitFor::promoted};
    if (*wait == "drained") return ReloadCall{core::WaitFor::drained};
    return Problem{ErrorCode::invalid_params, R"('wait' must be "promoted" or "drained")"};
}

Parsed<Call> parse_stop(const json& params) {
    if (auto problem = unknown_parameter(params, {"now"})) return *problem;
    const json* now = member(params, "now");
    if (now == nullptr) return StopCall{};
    if (!now->is_boolean()) return Problem{ErrorCode::invalid_params, "'now' must be true or false"};
    return StopCall{now->get<bool>()};
}

template <typename T>
Parsed<Call> parse_without_params(const json& params) {
    if (auto problem = unknown_parameter(params, {})) return *problem;
    return T{};
}

Parsed<Call> parse_call(const std::string& method, const json& params) {
    if (!params.is_object()) {
        return Problem{ErrorCode::invalid_params, "'params' must be an object: parameters are given by name"};
    }
    if (method == "status") return parse_without_params<StatusCall>(params);
    if (method == "reload") return parse_reload(params);
    if (method == "stop") return parse_stop(params);
    if (method == "subscribe") return parse_without_params<SubscribeCall>(params);
    return Problem{ErrorCode::method_not_found,
                   "unknown method '" + method + "'; there are status, reload, stop and subscribe"};
}

// What JSON-RPC asks of any request, whatever its method.
std::optional<Problem> check_envelope(const json& message) {
    if (message.is_array()) {
        return Problem{ErrorCode::invalid_request, "batches are not supported: send one object a line"};
    }
    if (!message.is_object()) return Problem{ErrorCode::invalid_request, "a request is a JSON object"};
    if (const json* version = member(message, "jsonrpc"); version == nullptr || *version != "2.0") {
        return Problem{ErrorCode::invalid_request, R"('jsonrpc' must be "2.0")"};
    }
    if (const json* method = member(message, "method"); method == nullptr || !method->is_string()) {
        return Problem{ErrorCode::invalid_request, "'method' must be a string"};
    }
    const json* id = member(message, "id");
    if (id != nullptr && !id->is_string() && !id->is_number() && !id->is_null()) {
        return Problem{ErrorCode::invalid_request, "'id' must be a string, a number or null"};
    }
    return std::nullopt;
}

// The id to answer an invalid request with, as far as it can be told.
std::string id_of_invalid(const json& message) {
    if (!message.is_object()) return "null";
    const json* id = member(message, "id");
    return id != nullptr && (id->is_string() || id->is_number()) ? text(*id) : "null";
}

Refusal refuse(const std::string& id, const Problem& problem) {
    return Refusal{error_response(id, problem.code, problem.message)};
}

}  // namespace

std::variant<Request, Refusal> parse_request(std::string_view line) {
    if (line.size() > max_request_bytes) {
        return refuse("null", {ErrorCode::invalid_request,
                               "a request has at most " + std::to_string(max_request_bytes) + " bytes"});
    }
    const json message = json::parse(line, nullptr, false);
    if (message.is_discarded())
        return refuse("null", {ErrorCode::parse_error, "this line is not valid JSON"});
    if (const auto problem = check_envelope(message)) return refuse(id_of_invalid(message), *problem);

    std::optional<std::string> id;
    if (const json* given = member(message, "id")) id = text(*given);
    const json none = json::object();
    const json* params = member(message, "params");
    auto call = parse_call(message["method"].get<std::string>(), params == nullptr ? none : *params);
    if (const auto* problem = std::get_if<Problem>(&call)) return id ? refuse(*id, *problem) : Refusal{};
    return Request{std::move(id), std::get<Call>(std::move(call))};
}

std::string request(const std::string& id, std::string_view method, const json& params) {
    return with_id(id, R"("method":)" + text(json(method)) + R"(,"params":)" + text(params));
}

std::string response(const std::string& id, std::string_view result) {
    return with_id(id, R"("result":)" + std::string(result));
}

std::string error_response(const std::string& id, ErrorCode code, std::string_view message) {
    return with_id(id, R"("error":)" + text({{"code", static_cast<int>(code)}, {"message", message}}));
}

std::string error_response(const std::string& id, ErrorCode code, std::string_view message,
                           std::string_view data) {
    return with_id(id, R"("error":{"code":)" + std::to_string(static_cast<int>(code)) + R"(,"data":)" +
                           std::string(data) + R"(,"message":)" + text(json(message)) + "}");
}

std::string event_notification(std::string_view event) {
    return R"({"jsonrpc":"2.0","method":"event","params":)" + std::string(event) + "}\n";
}

}  // namespace sup::control
