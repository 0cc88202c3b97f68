#include "worker/http/date.h"

#include <cstddef>

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

}  // namespace

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
