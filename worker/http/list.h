// Header values that are lists (RFC 9110, 5.6.1).
#pragma once

#include <string_view>

#include "worker/http/text.h"

namespace sup::http {

// Takes the first element, without surrounding white space, and its comma out of `rest`. Commas between
// quotes belong to the element. May be empty.
constexpr std::string_view next_in_list(std::string_view& rest) {
    bool quoted = false;
    std::size_t end = 0;
    while (end < rest.size() && (quoted || rest[end] != ',')) {
        if (rest[end] == '"') quoted = !quoted;
        ++end;
    }
    const std::string_view element = trim(rest.substr(0, end));
    rest.remove_prefix(end < rest.size() ? end + 1 : end);
    return element;
}

}  // namespace sup::http
