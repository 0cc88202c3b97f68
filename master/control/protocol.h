// The language of the control socket: JSON-RPC 2.0, one object a line. Pure: text in, values out.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "master/core/event.h"

namespace sup::control {

// A request's line, without its newline. Answers have no bound.
inline constexpr std::size_t max_request_bytes = 64 * 1024;

enum class ErrorCode {
    parse_error = -32700,
    invalid_request = -32600,
    method_not_found = -32601,
    invalid_params = -32602,
    failed = -32000,            // the call was understood and could not be done
    not_permitted = -32001,     // the caller is neither root nor the master's user
    too_many_clients = -32002,  // nothing was asked: try again
    not_awaited = -32003,       // it will be done, but too many already wait for the outcome
};

struct StatusCall {};
struct ReloadCall {
    core::WaitFor wait = core::WaitFor::promoted;
};
struct StopCall {
    bool now = false;
};
// From now on the caller gets every event.
struct SubscribeCall {};
using Call = std::variant<StatusCall, ReloadCall, StopCall, SubscribeCall>;

struct Request {
    std::optional<std::string>
        id;  // as JSON text: `7`, `"a"`, `null`. None: a notification, done but not answered
    Call call;
};
// Not understood. `response` is the line to answer with; none for a notification, which is never answered.
struct Refusal {
    std::optional<std::string> response;
};
std::variant<Request, Refusal> parse_request(std::string_view line);

// Each returns one line with its newline. Text that is not UTF-8 comes out with replacement characters.
// `result`, `data` and `event` are JSON on one line, as the caller has written them.
std::string request(const std::string& id, std::string_view method, const nlohmann::json& params);
std::string response(const std::string& id, std::string_view result);
std::string error_response(const std::string& id, ErrorCode code, std::string_view message);
std::string error_response(const std::string& id, ErrorCode code, std::string_view message,
                           std::string_view data);
std::string event_notification(std::string_view event);

}  // namespace sup::control
