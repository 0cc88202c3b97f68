#include "master/status/time.h"

#include <ctime>

namespace sup::status {
namespace {

constexpr const char* notation = "%Y-%m-%dT%H:%M:%SZ";

}  // namespace

std::string format_time(Time time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    char text[64];
    if (::gmtime_r(&seconds, &parts) == nullptr) return {};
    return {text, std::strftime(text, sizeof text, notation, &parts)};
}

std::optional<Time> parse_time(const std::string& text) {
    std::tm parts{};
    const char* end = ::strptime(text.c_str(), notation, &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

}  // namespace sup::status
