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

// The line of that name, with its end; empty where there is none.
std::string_view line_in(std::string_view lines, std::string_view name) {
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find("\r\n") + 2);
        if (equal_ignoring_case(line.substr(0, line.find(':')), name)) return line;
        lines.remove_prefix(line.size());
    }
    return {};
}

}  // namespace

// What a client sent must not become a header of its own.
bool is_header_value(std::string_view value) {
    return value_chars.contains_all(value);
}

bool is_etag(std::string_view value) {
    if (value.substr(0, 2) == "W/") value.remove_prefix(2);
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') return false;
    const std::string_view opaque = value.substr(1, value.size() - 2);
    return std::all_of(opaque.begin(), opaque.end(), [](char letter) {
        const auto byte = static_cast<unsigned char>(letter);
        return byte > ' ' && byte != '"' && byte != 0x7f;
    });
}

std::optional<Misuse> mistake(std::string_view name, std::string_view value) {
    if (!is_name(name)) return Misuse::bad_name;
    if (is_the_librarys(name)) return Misuse::own_header;
    if (!is_header_value(value)) return Misuse::bad_value;
    if (equal_ignoring_case(name, "etag") && !is_etag(value)) return Misuse::bad_etag;
    return std::nullopt;
}

std::optional<std::string_view> value_in(std::string_view lines, std::string_view name) {
    const std::string_view line = line_in(lines, name);
    if (line.empty()) return std::nullopt;
    return trim(line.substr(name.size() + 1, line.size() - name.size() - 3));
}

bool take_out(std::string& lines, std::string_view name) {
    bool taken = false;
    for (std::string_view line = line_in(lines, name); !line.empty(); line = line_in(lines, name)) {
        lines.erase(static_cast<std::size_t>(line.data() - lines.data()), line.size());
        taken = true;
    }
    return taken;
}

}  // namespace sup::http
