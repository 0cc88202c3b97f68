#include "worker/http/file_answer.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "worker/http/date.h"
#include "worker/http/list.h"
#include "worker/http/text.h"

namespace sup::http {
namespace {

constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

bool is_weak(std::string_view etag) {
    return etag.substr(0, 2) == "W/";
}

std::string_view opaque(std::string_view etag) {
    return is_weak(etag) ? etag.substr(2) : etag;
}

// Strong comparison is for what must be the same to the byte, weak for what may be shown in its place.
enum class Comparison { strong, weak };

bool same(std::string_view a, std::string_view b, Comparison comparison) {
    if (comparison == Comparison::strong && (is_weak(a) || is_weak(b))) return false;
    return opaque(a) == opaque(b);
}

bool any_matches(const Request& request, std::string_view name, std::string_view etag,
                 Comparison comparison) {
    for (const std::string_view value : request.headers(name)) {
        if (value == "*") return true;
        for (std::string_view rest = value; !rest.empty();) {
            if (same(next_in_list(rest), etag, comparison)) return true;
        }
    }
    return false;
}

std::optional<std::time_t> date_in(const Request& request, std::string_view name) {
    const auto value = request.header(name);
    return value ? parse_date(*value) : std::nullopt;
}

// 412, 304, or 0 for neither; in the order of RFC 9110, 13.2.2.
int judge_preconditions(const Request& request, const FileFacts& file) {
    if (request.header("If-Match")) {
        if (!any_matches(request, "If-Match", file.etag, Comparison::strong)) return 412;
    } else if (const auto date = date_in(request, "If-Unmodified-Since"); date && file.modified > *date) {
        return 412;
    }
    const bool reads = request.method() == Method::get || request.method() == Method::head;
    if (request.header("If-None-Match")) {
        if (!any_matches(request, "If-None-Match", file.etag, Comparison::weak)) return 0;
        return reads ? 304 : 412;
    }
    const auto date = date_in(request, "If-Modified-Since");
    return reads && date && file.modified <= *date ? 304 : 0;
}

// The part is wanted only of the very file that the client has the rest of.
bool still_the_same(const Request& request, const FileFacts& file, std::time_t now) {
    const auto value = request.header("If-Range");
    if (!value) return true;
    if (value->substr(0, 1) == "\"" || is_weak(*value)) return same(*value, file.etag, Comparison::strong);
    // Within that second the file may have been another (RFC 9110, 8.8.2.2).
    return file.modified < now - 1 && parse_date(*value) == file.modified;
}

// The number at the beginning; a number beyond all files is as good as any other.
std::optional<std::uint64_t> take_number(std::string_view& text) {
    if (text.empty() || !is_digit(text.front())) return std::nullopt;
    std::uint64_t number = 0;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
        const auto digit = static_cast<std::uint64_t>(text.front() - '0');
        number = number > (no_end - digit) / 10 ? no_end : number * 10 + digit;
    }
    return number;
}

struct ByteRange {
    std::optional<std::uint64_t> first;  // none: so many bytes from the end
    std::optional<std::uint64_t> last;   // none: to the end
};

// Nothing for what a server ignores: another unit, several parts, bad syntax.
std::optional<ByteRange> parse_range(std::string_view text) {
    constexpr std::string_view unit = "bytes=";
    if (!equal_ignoring_case(text.substr(0, unit.size()), unit)) return std::nullopt;
    text = trim(text.substr(unit.size()));
    ByteRange range;
    range.first = take_number(text);
    if (text.substr(0, 1) != "-") return std::nullopt;
    text.remove_prefix(1);
    range.last = take_number(text);
    if (!text.empty() || (!range.first && !range.last)) return std::nullopt;
    if (range.first && range.last && *range.last < *range.first) return std::nullopt;
    return range;
}

FilePart part_of(const ByteRange& range, std::uint64_t size) {
    if (!range.first) {
        const std::uint64_t length = std::min(*range.last, size);
        if (length == 0) return {416, 0, 0};
        return {206, size - length, length};
    }
    if (*range.first >= size) return {416, 0, 0};
    const std::uint64_t last = std::min(range.last.value_or(no_end), size - 1);
    return {206, *range.first, last - *range.first + 1};
}

}  // namespace

FilePart judge_file(const Request& request, const FileFacts& file, bool ranges, std::time_t now) {
    if (const int status = judge_preconditions(request, file); status != 0) return {status, 0, 0};
    const FilePart whole{200, 0, file.size};
    const auto asked = request.headers("Range");
    if (!ranges || request.method() != Method::get || asked.size() != 1) return whole;
    const auto range = parse_range(asked.front());
    if (!range || !still_the_same(request, file, now)) return whole;
    return part_of(*range, file.size);
}

}  // namespace sup::http
