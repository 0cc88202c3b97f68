#include "worker/http/target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "worker/http/text.h"

namespace sup::http {
namespace {

// RFC 3986, 2.2 and 2.3: what a host may be made of beside percent-encoded bytes.
constexpr CharSet name_chars([](char c) {
    return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos;
});

// RFC 3986, 2: a URI is made of printable ASCII; RFC 9112, 3.2: without a fragment.
constexpr CharSet target_chars([](char c) { return c > ' ' && c <= '~' && c != '#'; });

// How much of the beginning is a registered name or an IPv4 address.
std::size_t name_size(std::string_view text) {
    const auto encoded = [](std::string_view rest) {
        return rest.size() >= 3 && rest[0] == '%' && is_hex(rest[1]) && is_hex(rest[2]);
    };
    std::size_t size = name_chars.span(text);
    while (encoded(text.substr(size))) {
        size += 3;
        size += name_chars.span(text.substr(size));
    }
    return size;
}

// "v1.…": "v", hexadecimal digits, a dot, and what that version says.
bool is_future_address(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot < 2 || lower(text[0]) != 'v') return false;
    const std::string_view version = text.substr(1, dot - 1);
    const std::string_view rest = text.substr(dot + 1);
    return std::all_of(version.begin(), version.end(), is_hex) && !rest.empty() &&
           std::all_of(rest.begin(), rest.end(), [](char c) { return c == ':' || name_chars.contains(c); });
}

// Without a zone: that means something only on the machine that knows it, and never goes over the wire.
bool is_ipv6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) return false;
    std::copy(text.begin(), text.end(), terminated.begin());
    in6_addr address{};
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

// What follows a host: nothing, or a port. RFC 3986 lets that have any number of digits; one of TCP ends at
// 65535.
bool ends_in_port(std::string_view text) {
    constexpr unsigned most = 65535;
    if (text.empty()) return true;
    if (text[0] != ':') return false;
    unsigned port = 0;
    for (const char c : text.substr(1)) {
        if (!is_digit(c)) return false;
        port = std::min(port * 10 + static_cast<unsigned>(c - '0'), most + 1);
    }
    return port <= most;
}

// "http" or "https": whether TLS ended before us is not to be seen here.
bool is_our_scheme(std::string_view scheme) {
    return equal_ignoring_case(scheme, "http") || equal_ignoring_case(scheme, "https");
}

int judge_absolute(std::string_view target, std::string_view& authority) {
    const std::size_t scheme = target.find("://");
    if (scheme == std::string_view::npos) return 400;
    // RFC 9110, 7.4: what the scheme asks for cannot be met by who does not know it.
    if (!is_our_scheme(target.substr(0, scheme))) return 421;
    const std::string_view rest = target.substr(scheme + 3);
    authority = rest.substr(0, rest.find_first_of("/?"));
    // RFC 9110, 4.2.1: an http URI has a host; 4.2.4: userinfo (there is no "@" in is_authority()) is an
    // error.
    if (authority.empty() || authority[0] == ':' || !is_authority(authority)) return 400;
    return 0;
}

}  // namespace

bool is_authority(std::string_view text) {
    if (text.empty() || text[0] != '[') return ends_in_port(text.substr(name_size(text)));
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !ends_in_port(text.substr(close + 1))) return false;
    const std::string_view address = text.substr(1, close - 1);
    return is_ipv6(address) || is_future_address(address);
}

int judge_target(Method method, std::string_view target, std::string_view& authority) {
    authority = {};
    if (target.empty() || !target_chars.contains_all(target)) return 400;
    if (target[0] == '/') return 0;
    // RFC 9112, 3.2.4: the server as a whole has options and nothing else.
    if (target == "*") return method == Method::options ? 0 : 400;
    return judge_absolute(target, authority);
}

}  // namespace sup::http
