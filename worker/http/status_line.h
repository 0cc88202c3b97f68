// Status codes and their reason phrases (RFC 9110, 15).
#pragma once

#include <string_view>

namespace sup::http {

// An answer with that status has no body, whatever was asked.
constexpr bool has_no_body(int status) {
    return status == 204 || status == 205 || status == 304;
}

// Of an answer, and not of what comes before one.
constexpr bool is_final_status(int status) {
    return status >= 200 && status <= 599;
}

// "Not Found"; empty for a number that has none.
std::string_view reason_phrase(int status);

// "HTTP/1.1 404 Not Found\r\n" for the usual ones; empty for a number that must be put together.
std::string_view status_line(int status);

}  // namespace sup::http
