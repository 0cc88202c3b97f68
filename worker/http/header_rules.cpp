#include "worker/http/header_rules.h"

#include <algorithm>
#include <array>

#include "worker/http/text.h"

namespace sup::http {
namespace {

// RFC 9112, 5.1. With a space behind it, say, a name that is the library's would pass for another here, and
// not with every reader.
bool is_name(std::string_view name) {
    return !name.empty() && token_chars.contains_all(name);
}

// Twice in an answer they would contradict each other, and let two readers disagree on where it ends.
bool is_the_librarys(std::string_view name) {
    constexpr std::array<std::string_view, 4> names{"date", "content-length", "transfer-encoding",
                                                    "connection"};
    return std::any_of(names.begin(), names.end(),
                       [name](std::string_view own) { return equal_ignoring_case(name, own); });
}

}  // namespace

// What a client sent must not become a header of its own.
bool is_header_value(std::string_view value) {
    return value_chars.contains_all(value);
}

std::optional<Misuse> mistake(std::string_view name, std::string_view value) {
    if (!is_name(name)) return Misuse::bad_name;
    if (is_the_librarys(name)) return Misuse::own_header;
    if (!is_header_value(value)) return Misuse::bad_value;
    return std::nullopt;
}

}  // namespace sup::http
