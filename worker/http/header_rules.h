// Which headers a handler may add to an answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/http/misuse.h"

namespace sup::http {

bool is_header_value(std::string_view value);
// "x" or W/"x" (RFC 9110, 8.8.3).
bool is_etag(std::string_view value);

// What is wrong with a header of that name and value, if anything.
std::optional<Misuse> mistake(std::string_view name, std::string_view value);

// Among lines of the form "Name: value\r\n": the value of the first of that name.
std::optional<std::string_view> value_in(std::string_view lines, std::string_view name);
// Whether there was one; there is none any more.
bool take_out(std::string& lines, std::string_view name);

}  // namespace sup::http
