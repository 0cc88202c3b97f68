#include "master/process/safe_text.h"

#include <algorithm>

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

bool is_control(std::string_view sequence) {
    const unsigned char first = byte_at(sequence, 0);
    if (sequence.size() == 1) return (first < 0x20 && first != '\t') || first == 0x7F;
    return sequence.size() == 2 && first == 0xC2 && byte_at(sequence, 1) <= 0x9F;  // C1: CSI is one of them
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

std::string safe_text(std::string_view bytes, std::size_t max_bytes) {
    std::string text;
    text.reserve(std::min(bytes.size(), max_bytes));
    std::size_t cut = 0;  // where the text may end so that an ellipsis still fits
    while (!bytes.empty()) {
        const std::size_t length = sequence_length(bytes);
        const std::string_view sequence = bytes.substr(0, std::max<std::size_t>(length, 1));
        if (length == 0 || is_control(sequence)) {
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

std::size_t complete_utf8_prefix(std::string_view bytes) {
    constexpr std::size_t longest_tail = 3;  // a sequence has four bytes at the most
    for (std::size_t back = 1; back <= std::min(longest_tail, bytes.size()); ++back) {
        const std::size_t position = bytes.size() - back;
        const unsigned char byte = byte_at(bytes, position);
        if (is_continuation(byte)) continue;
        return announced_length(byte) > back ? position : bytes.size();
    }
    return bytes.size();
}

}  // namespace sup
