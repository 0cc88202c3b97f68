// What may reach a terminal or a log, by the letter of RFC 3629 and without the project's own functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sup::test {

// One code point in UTF-8, in its shortest form; empty where there is none.
inline std::string utf8(std::uint32_t code) {
    const auto tail = [code](unsigned shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
    if (code < 0x80) return {static_cast<char>(code)};
    if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
    if (code >= 0xD800 && code <= 0xDFFF) return {};
    if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
    if (code < 0x110000) return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
    return {};
}

// Neither steers a terminal nor changes the direction of writing. Tabs are harmless.
inline bool harms_nobody(std::uint32_t code) {
    if (code == '\t') return true;
    if (code < ' ' || (code >= 0x7F && code <= 0x9F)) return false;
    for (const std::uint32_t mark : {0x061CU, 0x200EU, 0x200FU, 0x2028U, 0x2029U, 0x202AU, 0x202BU, 0x202CU,
                                     0x202DU, 0x202EU, 0x2066U, 0x2067U, 0x2068U, 0x2069U}) {
        if (code == mark) return false;
    }
    return true;
}

inline bool readable(std::string_view text) {
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text[0]);
        const std::size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        if (size > text.size()) return false;
        std::uint32_t code = size == 1 ? first : first & (0x7FU >> size);
        for (std::size_t i = 1; i < size; ++i)
            code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
        if (!harms_nobody(code) || utf8(code) != text.substr(0, size)) return false;
        text.remove_prefix(size);
    }
    return true;
}

}  // namespace sup::test
