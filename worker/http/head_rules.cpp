#include "worker/http/head_rules.h"

#include <algorithm>
#include <charconv>

#include "worker/http/target.h"
#include "worker/http/text.h"

namespace sup::http {
namespace {

// Takes the first element of a list "a, b" away from it, without surrounding white space.
std::string_view next_element(std::string_view& list) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = trim(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    return element;
}

}  // namespace

int HeadRules::take(const HeaderRange& header) {
    const std::string_view name = header.name.in(bytes_);
    const auto value = [&] { return trim(header.value.in(bytes_)); };
    switch (name.size()) {
        case 4: return equal_ignoring_case(name, "host") ? take_host(value()) : 0;
        case 6: return equal_ignoring_case(name, "expect") ? take_expect(value()) : 0;
        case 10: return equal_ignoring_case(name, "connection") ? take_connection(value()) : 0;
        case 14: return equal_ignoring_case(name, "content-length") ? take_length(value()) : 0;
        case 17: return equal_ignoring_case(name, "transfer-encoding") ? take_codings(value()) : 0;
        default: return 0;
    }
}

// RFC 9112, 3.2: a request has one Host, and a valid one. It may be empty.
int HeadRules::take_host(std::string_view value) {
    if (++hosts_ > 1 || !is_authority(value)) return 400;
    // RFC 9112, 3.2.2: the authority of the target goes before it.
    if (head_.authority.size == 0 && !value.empty()) head_.authority = Range::of(value, bytes_);
    return 0;
}

// RFC 9110, 10.1.1: there is one expectation; HTTP/1.0 has none.
int HeadRules::take_expect(std::string_view value) {
    while (!value.empty()) {
        const std::string_view element = next_element(value);
        if (element.empty()) continue;
        if (!equal_ignoring_case(element, "100-continue")) return 417;
        head_.expect_continue = head_.minor_version >= 1;
    }
    return 0;
}

int HeadRules::take_connection(std::string_view value) {
    while (!value.empty()) {
        const std::string_view element = next_element(value);
        close_ = close_ || equal_ignoring_case(element, "close");
        keep_alive_ = keep_alive_ || equal_ignoring_case(element, "keep-alive");
    }
    return 0;
}

// RFC 9112, 6.3: two lengths that agree may be refused, or taken for one; a proxy may have done neither.
int HeadRules::take_length(std::string_view value) {
    const auto* end = value.data() + value.size();
    if (++lengths_ > 1 || value.empty() || !is_digit(value[0])) return 400;
    const auto read = std::from_chars(value.data(), end, head_.content_length);
    return read.ec == std::errc() && read.ptr == end ? 0 : 400;
}

// A list, which may go on in the next header of that name. An empty element is legal (RFC 9110, 5.6.1), but
// who is not read as we read it is how requests are smuggled.
int HeadRules::take_codings(std::string_view value) {
    do {
        const std::string_view coding = next_element(value);
        if (coding.empty()) return 400;
        ++codings_;
        chunked_last_ = equal_ignoring_case(coding, "chunked");
        if (chunked_last_) ++chunked_;
    } while (!value.empty());
    return 0;
}

int HeadRules::decide_framing() {
    if (codings_ == 0) return 0;
    // RFC 9112, 6.1: HTTP/1.0 has no codings; who sends a length as well may mean to smuggle.
    if (head_.minor_version == 0 || lengths_ > 0) return 400;
    // 6.3: the body's end is unknown; 6.1: chunked is not applied twice.
    if (!chunked_last_ || chunked_ > 1) return 400;
    head_.chunked = true;
    return codings_ == 1 ? 0 : 501;
}

int HeadRules::finish() {
    if (hosts_ == 0 && head_.minor_version >= 1) return 400;
    head_.keep_alive = !close_ && (head_.minor_version >= 1 || keep_alive_);  // RFC 9112, 9.3
    return decide_framing();
}

}  // namespace sup::http
