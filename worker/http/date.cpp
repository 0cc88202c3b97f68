#include "worker/http/date.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <vector>

namespace sup::http {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

class Writer {
public:
    explicit Writer(std::array<char, date_size>& text) : next_(text.data()) {}
    void put(std::string_view part) {
        for (const char c : part) *next_++ = c;
    }
    void digits(int value, int count) {
        for (int i = count - 1; i >= 0; --i, value /= 10) next_[i] = static_cast<char>('0' + value % 10);
        next_ += count;
    }

private:
    char* next_;
};

// The parts of a date: at most "Sun", "06", "Nov", "1994", "08:49:37", "GMT".
std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    while (!text.empty() && parts.size() < 7) {
        const std::size_t end = std::min(text.find_first_of(" ,-"), text.size());
        if (end > 0) parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc{} || rest != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<int> month(std::string_view name) {
    const std::size_t at = months.find(name);
    if (name.size() != 3 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
    return static_cast<int>(at / 3);
}

// RFC 9110, 5.6.7: a two-digit year that seems more than 50 years away is of the last century.
std::optional<int> year_of(std::string_view text) {
    const auto year = number(text);
    if (!year || (text.size() != 2 && text.size() != 4)) return std::nullopt;
    if (text.size() == 4) return year;
    std::tm now{};
    const std::time_t seconds = std::time(nullptr);
    ::gmtime_r(&seconds, &now);
    const int candidate = (now.tm_year + 1900) / 100 * 100 + *year;
    return candidate > now.tm_year + 1900 + 50 ? candidate - 100 : candidate;
}

}  // namespace

std::optional<std::time_t> parse_date(std::string_view text) {
    const auto parts = parts_of(text);
    // "Sun Nov  6 08:49:37 1994" is in another order than the others, and has no zone.
    const bool asctime = parts.size() == 5;
    if (!asctime && (parts.size() != 6 || parts[5] != "GMT")) return std::nullopt;
    const std::string_view time = parts[asctime ? 3 : 4];
    if (time.size() != 8 || time[2] != ':' || time[5] != ':') return std::nullopt;
    const auto day = number(parts[asctime ? 2 : 1]);
    const auto mon = month(parts[asctime ? 1 : 2]);
    const auto year = year_of(parts[asctime ? 4 : 3]);
    const auto hour = number(time.substr(0, 2));
    const auto minute = number(time.substr(3, 2));
    const auto second = number(time.substr(6, 2));
    if (!day || !mon || !year || !hour || !minute || !second) return std::nullopt;
    if (*day < 1 || *day > 31 || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    std::tm utc{};
    utc.tm_year = *year - 1900;
    utc.tm_mon = *mon;
    utc.tm_mday = *day;
    utc.tm_hour = *hour;
    utc.tm_min = *minute;
    utc.tm_sec = *second;
    return ::timegm(&utc);
}

// Not strftime(): its names of days and months follow the process's locale.
void format_date(std::time_t seconds, std::array<char, date_size>& text) {
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    Writer writer(text);
    writer.put(days.substr(static_cast<std::size_t>(utc.tm_wday) * 3, 3));
    writer.put(", ");
    writer.digits(utc.tm_mday, 2);
    writer.put(" ");
    writer.put(months.substr(static_cast<std::size_t>(utc.tm_mon) * 3, 3));
    writer.put(" ");
    writer.digits(utc.tm_year + 1900, 4);
    writer.put(" ");
    writer.digits(utc.tm_hour, 2);
    writer.put(":");
    writer.digits(utc.tm_min, 2);
    writer.put(":");
    writer.digits(utc.tm_sec, 2);
    writer.put(" GMT");
}

std::string_view DateCache::now() {
    // The coarse clock is read without entering the kernel, and is exact enough for seconds.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second_) {
        second_ = now.tv_sec;
        format_date(second_, text_);
    }
    return {text_.data(), text_.size()};
}

}  // namespace sup::http
