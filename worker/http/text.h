// Small things about HTTP's characters.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace sup::http {

// A set of characters that is asked about each byte of what clients send.
class CharSet {
public:
    template <typename Predicate>
    explicit constexpr CharSet(Predicate contains) {
        for (std::size_t i = 0; i < contains_.size(); ++i) contains_[i] = contains(static_cast<char>(i));
    }

    constexpr bool contains(char c) const { return contains_[static_cast<unsigned char>(c)]; }
    // How many of the first characters are in it.
    constexpr std::size_t span(std::string_view text) const {
        std::size_t size = 0;
        while (size < text.size() && contains(text[size])) ++size;
        return size;
    }
    constexpr bool contains_all(std::string_view text) const { return span(text) == text.size(); }

private:
    std::array<bool, 256> contains_{};
};

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

// Without surrounding spaces and tabs.
constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr bool is_hex(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}

constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

// What a field's value is made of (RFC 9110, 5.5): a tab, and all but control characters.
inline constexpr CharSet value_chars([](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
});

constexpr bool is_value_char(char c) {
    return value_chars.contains(c);
}

// RFC 9110, 5.6.2.
inline constexpr CharSet token_chars([](char c) {
    return is_alphanumeric(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
});

constexpr bool is_token_char(char c) {
    return token_chars.contains(c);
}

}  // namespace sup::http
