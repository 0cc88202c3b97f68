#include "common/safe_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace sup {
namespace {

constexpr std::string_view ellipsis = "…";

unsigned char byte_at(std::string_view bytes, std::size_t position) {
    return static_cast<unsigned char>(bytes[position]);
}

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

// How long the sequence is that this first byte announces; 0 for a byte that begins none.
std::size_t announced_length(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if (first >= 0xE0 && first <= 0xEF) return 3;
    if (first >= 0xF0 && first <= 0xF4) return 4;
    return 0;
}

// Whether the second byte may follow the first: neither overlong, nor a surrogate, nor above U+10FFFF (RFC
// 3629).
bool second_byte_fits(unsigned char first, unsigned char second) {
    switch (first) {
        case 0xE0: return second >= 0xA0;
        case 0xED: return second <= 0x9F;
        case 0xF0: return second >= 0x90;
        case 0xF4: return second <= 0x8F;
        default: return true;
    }
}

// The length of the UTF-8 sequence at the start of `bytes`; 0 when there is none.
std::size_t sequence_length(std::string_view bytes) {
    const unsigned char first = byte_at(bytes, 0);
    const std::size_t length = announced_length(first);
    if (length == 0 || length > bytes.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(byte_at(bytes, i))) return 0;
    }
    if (length > 1 && !second_byte_fits(first, byte_at(bytes, 1))) return 0;
    return length;
}

// Which code points change the direction of writing, or end a line for some readers.
bool is_format(std::uint32_t code) {
    return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

bool is_unsafe(std::uint32_t code) {
    return (code < 0x20 && code != '\t') || (code >= 0x7F && code < 0xA0) || is_format(code);
}

// `sequence` is one whole UTF-8 sequence.
std::uint32_t code_point(std::string_view sequence) {
    constexpr std::array<std::uint32_t, 5> mask{0, 0x7F, 0x1F, 0x0F, 0x07};
    std::uint32_t code = byte_at(sequence, 0) & mask[sequence.size()];
    for (std::size_t i = 1; i < sequence.size(); ++i) code = code << 6U | (byte_at(sequence, i) & 0x3FU);
    return code;
}

// How many bytes at the start are printable ASCII, as nearly all of a log is: eight at a time.
std::size_t plain_prefix(std::string_view bytes) {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    std::size_t length = 0;
    for (; length + sizeof(std::uint64_t) <= bytes.size(); length += sizeof(std::uint64_t)) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, bytes.data() + length, sizeof eight);
        // A high bit that is set: below 0x20, 0x7F or above, or the neighbour of such a byte.
        if ((((eight - 0x20 * ones) | eight | (eight + ones)) & (0x80 * ones)) != 0) break;
    }
    while (length < bytes.size() && byte_at(bytes, length) >= 0x20 && byte_at(bytes, length) < 0x7F) ++length;
    return length;
}

std::string escaped(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += "\\x";
        text += digits[byte >> 4U];
        text += digits[byte & 0x0FU];
    }
    return text;
}

}  // namespace

bool is_plain(std::string_view bytes) {
    return plain_prefix(bytes) == bytes.size();
}

std::string safe_text(std::string_view bytes, std::size_t max_bytes) {
    if (bytes.size() <= max_bytes && is_plain(bytes)) return std::string(bytes);
    std::string text;
    text.reserve(std::min(bytes.size(), max_bytes));
    std::size_t cut = 0;  // where the text may end so that an ellipsis still fits
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        const std::string_view sequence = bytes.substr(0, std::max<std::size_t>(length, 1));
        if (length == 0 || is_unsafe(code_point(sequence))) {
            text += escaped(sequence);
        } else {
            text += sequence;
        }
        if (text.size() > max_bytes) return text.substr(0, cut).append(ellipsis);
        if (text.size() + ellipsis.size() <= max_bytes) cut = text.size();
        bytes.remove_prefix(sequence.size());
    }
    return text;
}

std::string safe_lines(std::string_view bytes) {
    std::string text;
    while (true) {
        const std::size_t end = bytes.find('\n');
        text += safe_text(bytes.substr(0, end));
        if (end == std::string_view::npos) return text;
        text += '\n';
        bytes.remove_prefix(end + 1);
    }
}

std::string safe_json(std::string_view json) {
    std::string text;
    while (!json.empty()) {
        const std::size_t plain = plain_prefix(json);
        text += json.substr(0, plain);
        json.remove_prefix(plain);
        if (json.empty()) break;
        const std::size_t length = std::max<std::size_t>(sequence_length(json), 1);
        const std::uint32_t code = code_point(json.substr(0, length));
        if (code != '\n' && is_unsafe(code)) {
            constexpr std::string_view digits = "0123456789abcdef";
            text += "\\u";
            for (const unsigned shift : {12U, 8U, 4U, 0U}) text += digits[code >> shift & 0x0FU];
        } else {
            text += json.substr(0, length);
        }
        json.remove_prefix(length);
    }
    return text;
}

std::size_t complete_utf8_prefix(std::string_view bytes) {
    constexpr std::size_t longest_tail = 3;  // a sequence has at most four bytes
    for (std::size_t back = 1; back <= std::min(longest_tail, bytes.size()); ++back) {
        const std::size_t position = bytes.size() - back;
        const unsigned char byte = byte_at(bytes, position);
        if (is_continuation(byte)) continue;
        return announced_length(byte) > back ? position : bytes.size();
    }
    return bytes.size();
}

}  // namespace sup
