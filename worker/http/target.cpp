#include "worker/http/target.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "worker/http/text.h"

namespace sup::http {
namespace {

// RFC 3986, 2.2 and 2.3: what a host may be made of beside percent-encoded bytes.
bool is_name_char(char c) {
    return is_alphanumeric(c) || std::string_view("-._~!$&'()*+,;=").find(c) != std::string_view::npos;
}

// A registered name or an IPv4 address.
bool is_name(std::string_view name) {
    for (; !name.empty(); name.remove_prefix(1)) {
        if (is_name_char(name[0])) continue;
        if (name[0] != '%' || name.size() < 3 || !is_hex(name[1]) || !is_hex(name[2])) return false;
        name.remove_prefix(2);
    }
    return true;
}

// "v1.…": "v", hexadecimal digits, a dot, and what that version says.
bool is_future_address(std::string_view text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot < 2 || lower(text[0]) != 'v') return false;
    const std::string_view version = text.substr(1, dot - 1);
    const std::string_view rest = text.substr(dot + 1);
    return std::all_of(version.begin(), version.end(), is_hex) && !rest.empty() &&
           std::all_of(rest.begin(), rest.end(), [](char c) { return c == ':' || is_name_char(c); });
}

// Without a zone: that means something only on the machine that knows it, and never goes over the wire.
bool is_ipv6(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size()) return false;
    std::copy(text.begin(), text.end(), terminated.begin());
    in6_addr address{};
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

// RFC 3986 lets a port have any number of digits; one of TCP ends at 65535.
bool is_port(std::string_view text) {
    if (text.empty()) return true;
    if (!std::all_of(text.begin(), text.end(), is_digit)) return false;
    unsigned port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    return read.ec == std::errc() && port <= 65535;
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
    const bool literal = text.substr(0, 1) == "[";
    const std::size_t close = literal ? text.find(']') : 0;
    if (close == std::string_view::npos) return false;
    const std::size_t size = literal ? close + 1 : std::min(text.find(':'), text.size());
    const std::string_view port = text.substr(size);
    if (!port.empty() && (port[0] != ':' || !is_port(port.substr(1)))) return false;
    if (!literal) return is_name(text.substr(0, size));
    const std::string_view address = text.substr(1, close - 1);
    return is_ipv6(address) || is_future_address(address);
}

int judge_target(Method method, std::string_view target, std::string_view& authority) {
    authority = {};
    // RFC 3986, 2: a URI is made of printable ASCII; RFC 9112, 3.2: without a fragment.
    const auto foreign = [](char c) { return c <= ' ' || c > '~' || c == '#'; };
    if (target.empty() || std::any_of(target.begin(), target.end(), foreign)) return 400;
    if (target[0] == '/') return 0;
    // RFC 9112, 3.2.4: the server as a whole has options and nothing else.
    if (target == "*") return method == Method::options ? 0 : 400;
    return judge_absolute(target, authority);
}

}  // namespace sup::http
