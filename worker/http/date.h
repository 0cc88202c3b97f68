// The Date header's value (RFC 9110, 5.6.7), composed at most once a second.
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string_view>

namespace sup::http {

// "Sun, 06 Nov 1994 08:49:37 GMT"
constexpr std::size_t date_size = 29;
void format_date(std::time_t seconds, std::array<char, date_size>& text);

// In any of the three forms of an HTTP-date; nothing if it is not one.
std::optional<std::time_t> parse_date(std::string_view text);

class DateCache {
public:
    std::string_view now();

private:
    std::time_t second_ = -1;
    std::array<char, date_size> text_{};
};

}  // namespace sup::http
