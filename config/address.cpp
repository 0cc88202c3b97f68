#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "config/display.h"

namespace sup::config {
namespace {

Error expected_address() {
    return Error{R"(expected HOST:PORT such as "127.0.0.1:80", "[::1]:80" or "*:80")"};
}

// Leading zeros are refused: some read them as octal numbers.
Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = rest == text.data() + text.size();
    if (problem != std::errc{} || !whole || (text.size() > 1 && text.front() == '0')) {
        return Error{"expected a port from 0 to 65535 after the last ':', found " + quoted(text)};
    }
    return port;
}

// The canonical spelling of a literal address, as the kernel's library writes it.
std::optional<std::string> canonical(int family, const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    std::array<char, INET6_ADDRSTRLEN> spelling{};
    if (inet_pton(family, text.c_str(), address.data()) != 1) return std::nullopt;
    if (inet_ntop(family, address.data(), spelling.data(), spelling.size()) == nullptr) return std::nullopt;
    return spelling.data();
}

bool is_link_local(const std::string& host) {
    in6_addr address{};
    return inet_pton(AF_INET6, host.c_str(), &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address) != 0;
}

// Only a link-local address has a zone, the interface that it belongs to: "fe80::1%eth0".
Result<std::string> parse_ipv6(const std::string& text) {
    const std::size_t percent = std::min(text.find('%'), text.size());
    const std::string zone = text.substr(percent);
    std::optional<std::string> host = canonical(AF_INET6, text.substr(0, percent));
    if (!host) return Error{quoted(text) + " is not an IPv6 address"};
    if (host->starts_with("::ffff:") && host->find('.') != host->npos) {
        return Error{"write the IPv4 address " + quoted(host->substr(7)) + " without brackets"};
    }
    if (is_link_local(*host) == zone.empty() || zone == "%") {
        return Error{zone.empty()
                         ? "a link-local address needs its interface, such as " + quoted(*host + "%eth0")
                         : "only a link-local address (fe80::…) is followed by % and an interface"};
    }
    return *host + zone;
}

Result<std::string> parse_unbracketed(const std::string& text, std::string_view port) {
    if (text == "*") return text;
    if (std::optional<std::string> host = canonical(AF_INET, text)) return *std::move(host);
    const std::string colon_port = ":" + std::string(port);
    if (text.empty())
        return Error{"the host is missing; write " + quoted("*" + colon_port) + " for every address"};
    if (text == "localhost") {
        return Error{"expected a literal address, not a name; write " + quoted("127.0.0.1" + colon_port) +
                     " or " + quoted("[::1]" + colon_port)};
    }
    if (text.find(':') != text.npos) {
        return Error{"an IPv6 address stands in brackets: " + quoted("[::1]" + colon_port)};
    }
    return Error{
        "expected a literal IPv4 address, an IPv6 address in brackets, or \"*\" before the port, found " +
        quoted(text)};
}

bool is_ipv6(const std::string& host) {
    return host.find(':') != host.npos;
}

bool includes(const TcpAddress& wildcard, const TcpAddress& other) {
    if (wildcard.host == "*") return true;
    if (wildcard.host == "::") return is_ipv6(other.host);
    if (wildcard.host == "0.0.0.0") return !is_ipv6(other.host) && other.host != "*";
    return wildcard.host == other.host;
}

}  // namespace

Result<TcpAddress> parse_tcp_address(std::string_view text) {
    if (text.starts_with("unix:")) return Error{"unix sockets are not part of this version, only TCP"};
    if (text.starts_with("udp:")) return Error{"UDP sockets are not part of this version, only TCP"};
    if (text.starts_with("tcp:")) return Error{"TCP needs no word; write " + quoted(text.substr(4))};
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos || text.find('\0') != text.npos) return expected_address();
    const std::string host(text.substr(0, colon));
    const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
    if (host.starts_with('[') && !bracketed) return expected_address();

    const std::string_view port_text = text.substr(colon + 1);
    Result<std::string> canonical_host =
        bracketed ? parse_ipv6(host.substr(1, host.size() - 2)) : parse_unbracketed(host, port_text);
    if (!canonical_host) return canonical_host.error();
    const Result<std::uint16_t> port = parse_port(port_text);
    if (!port) return port.error();
    return TcpAddress{*std::move(canonical_host), *port};
}

bool overlap(const TcpAddress& a, const TcpAddress& b) {
    return a.port != 0 && a.port == b.port && (includes(a, b) || includes(b, a));
}

std::string to_string(const TcpAddress& address) {
    const std::string host = is_ipv6(address.host) ? "[" + address.host + "]" : address.host;
    return host + ":" + std::to_string(address.port);
}

}  // namespace sup::config
