// Requests of the control protocol: whatever comes, the answer is a request understood or one well-formed
// refusal.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "master/control/protocol.h"
#include "tests/fuzz/require.h"

namespace {

using nlohmann::json;

// One line, valid, of the protocol's version.
json message_of(const std::string& line) {
    require(!line.empty() && line.find('\n') == line.size() - 1, "an answer is one line");
    json message = json::parse(line, nullptr, false);
    require(message.is_object(), "an answer is a JSON object");
    require(message["jsonrpc"] == "2.0", "an answer names the protocol");
    return message;
}

void check(const sup::control::Refusal& refusal) {
    if (!refusal.response) return;
    const json message = message_of(*refusal.response);
    require(message.contains("id"), "an answer has an id");
    const int code = message.at("error").at("code").get<int>();
    require(code == -32700 || (code <= -32600 && code >= -32602), "a refusal has a code of JSON-RPC's");
    require(!message.at("error").at("message").get<std::string>().empty(), "a refusal has a reason");
}

void check(const sup::control::Request& request, const json& original) {
    require(original.is_object(), "only an object is a request");
    require(request.id.has_value() == original.contains("id"),
            "what has an id is answered, and nothing else");
    if (!request.id) return;
    const json answer = message_of(sup::control::response(*request.id, "{}"));
    require(answer.at("id") == original.at("id"), "an id comes back as it was given");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto parsed = sup::control::parse_request(line);
    if (const auto* refusal = std::get_if<sup::control::Refusal>(&parsed)) {
        check(*refusal);
    } else {
        check(std::get<sup::control::Request>(parsed), json::parse(line, nullptr, false));
    }
    return 0;
}
