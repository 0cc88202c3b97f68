#include "config/display.h"

namespace sup::config {
namespace {

std::string escape(unsigned code) {
    constexpr std::string_view digits = "0123456789abcdef";
    return std::string("\\u00") + digits[code >> 4U & 0xFU] + digits[code & 0xFU];
}

// The C1 controls, which some terminals obey, are U+0080 to U+009F: C2 80 to C2 9F in UTF-8.
bool is_c1_control(std::string_view text, std::size_t at) {
    if (text[at] != '\xC2' || at + 1 == text.size()) return false;
    const auto second = static_cast<unsigned char>(text[at + 1]);
    return second >= 0x80 && second <= 0x9F;
}

// At most `limit` bytes, ending between two characters.
std::string_view cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
    return text.substr(0, limit);
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte < 0x20 || byte == 0x7F) {
            result += escape(byte);
        } else if (is_c1_control(text, at)) {
            result += escape(static_cast<unsigned char>(text[++at]));
        } else {
            result += text[at];
        }
    }
    return result;
}

std::string excerpt(std::string_view text, std::size_t longest) {
    const std::string_view part = cut(text, longest);
    return printable(part) + (part.size() < text.size() ? "…" : "");
}

std::string quoted(std::string_view text) {
    return '"' + excerpt(text) + '"';
}

std::string quoted_list(std::span<const std::string_view> names) {
    std::string list;
    for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + quoted(name);
    return list;
}

std::string pointer_token(std::string_view key) {
    std::string token = "/";
    for (const char c : key) {
        if (c == '~') {
            token += "~0";
        } else if (c == '/') {
            token += "~1";
        } else {
            token += c;
        }
    }
    return token;
}

}  // namespace sup::config
