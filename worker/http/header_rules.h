// Which headers a handler may add to an answer.
#pragma once

#include <optional>
#include <string_view>

#include "worker/http/misuse.h"

namespace sup::http {

bool is_header_value(std::string_view value);

// What is wrong with a header of that name and value, if anything.
std::optional<Misuse> mistake(std::string_view name, std::string_view value);

}  // namespace sup::http
