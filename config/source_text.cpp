#include "config/source_text.h"

#include <algorithm>
#include <iterator>

namespace sup::config {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool starts_a_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;  // 10xxxxxx continues one
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The length of an escape, and of what it stands for in UTF-8.
struct Escape {
    std::size_t written;
    std::size_t meant;
};
Escape escape_at(std::string_view text) {
    if (!text.starts_with("\\u")) return {2, 1};
    unsigned code = 0;
    for (const char c : text.substr(2, 4)) {
        const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        code = code * 16 + digit;
    }
    if (code >= 0xD800 && code < 0xE000) return {12, 4};  // a pair of surrogates
    return {6, code < 0x80 ? 1U : code < 0x800 ? 2U : 3U};
}

}  // namespace

SourceText::SourceText(std::string_view text) : text_(text) {
    line_starts_.push_back(text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    for (std::size_t end = text.find('\n'); end != text.npos; end = text.find('\n', end + 1)) {
        line_starts_.push_back(end + 1);
    }
}

Position SourceText::position(std::size_t offset) const {
    offset = std::clamp(offset, line_starts_.front(), text_.size());
    const auto next_line = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    const auto line = std::distance(line_starts_.begin(), next_line);
    const auto line_start = static_cast<std::ptrdiff_t>(*std::prev(next_line));
    const auto column = std::count_if(
        text_.begin() + line_start, text_.begin() + static_cast<std::ptrdiff_t>(offset), starts_a_character);
    return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column + 1)};
}

std::size_t SourceText::skip_blanks(std::size_t offset) const noexcept {
    offset = std::max(offset, line_starts_.front());
    while (offset < text_.size()) {
        const std::size_t next = is_blank(text_[offset]) ? offset + 1 : skip_comment(offset);
        if (next == offset) break;
        offset = next;
    }
    return offset;
}

std::size_t SourceText::offset_in_string(std::size_t quote, std::size_t at) const noexcept {
    std::size_t offset = quote + 1;
    while (at > 0 && offset < text_.size()) {
        const bool escaped = text_[offset] == '\\';
        const Escape length = escaped ? escape_at(view().substr(offset)) : Escape{1, 1};
        offset += length.written;
        at -= std::min(at, length.meant);
    }
    return offset;
}

// The same comments as nlohmann's lexer knows: "//" ends at a carriage return too.
std::size_t SourceText::skip_comment(std::size_t offset) const noexcept {
    const std::string_view rest = view().substr(offset);
    if (rest.starts_with("//")) return std::min(text_.find_first_of("\r\n", offset), text_.size());
    if (rest.starts_with("/*")) {
        const std::size_t end = text_.find("*/", offset + 2);
        return end == std::string::npos ? offset : end + 2;
    }
    return offset;
}

}  // namespace sup::config
