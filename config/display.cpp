#include "config/display.h"

#include "common/safe_text.h"

namespace sup::config {
namespace {

// At most `limit` bytes, ending between two characters.
std::string_view cut(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
    return text.substr(0, limit);
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result = safe_text(text);
    for (std::size_t tab = result.find('\t'); tab != result.npos; tab = result.find('\t', tab))
        result.replace(tab, 1, "\\x09");
    return result;
}

std::string excerpt(std::string_view text, std::size_t longest) {
    const std::string_view part = cut(text, longest);
    return printable(part) + (part.size() < text.size() ? "…" : "");
}

std::string in_quotes(std::string_view text) {
    return '"' + excerpt(text) + '"';
}

std::string quoted_list(std::span<const std::string_view> names) {
    std::string list;
    for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + in_quotes(name);
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
