#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "config/display.h"
#include "config/path.h"

namespace sup::config {
namespace {

Error expected_address() {
    return Error{R"(expected HOST:PORT such as "127.0.0.1:80", "[::1]:80" or "*:80", or "unix:/path")"};
}

// Leading zeros are refused: some read them as octal numbers.
Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
    const bool whole = rest == text.data() + text.size();
    if (problem != std::errc{} || !whole || (text.size() > 1 && text.front() == '0')) {
        return Error{"expected a port from 0 to 65535 after the last ':', found " + in_quotes(text)};
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
    if (!host) return Error{in_quotes(text) + " is not an IPv6 address"};
    if (host->starts_with("::ffff:") && host->find('.') != host->npos) {
        return Error{"write the IPv4 address " + in_quotes(host->substr(7)) + " without brackets"};
    }
    if (is_link_local(*host) == zone.empty() || zone == "%") {
        return Error{zone.empty()
                         ? "a link-local address needs its interface, such as " + in_quotes(*host + "%eth0")
                         : "only a link-local address (fe80::…) is followed by % and an interface"};
    }
    return *host + zone;
}

Result<std::string> parse_unbracketed(const std::string& text, std::string_view port) {
    if (text == "*") return text;
    if (std::optional<std::string> host = canonical(AF_INET, text)) return *std::move(host);
    const std::string colon_port = ":" + std::string(port);
    if (text.empty())
        return Error{"the host is missing; write " + in_quotes("*" + colon_port) + " for every address"};
    if (text == "localhost") {
        return Error{"expected a literal address, not a name; write " + in_quotes("127.0.0.1" + colon_port) +
                     " or " + in_quotes("[::1]" + colon_port)};
    }
    if (text.find(':') != text.npos) {
        return Error{"an IPv6 address is written in brackets: " + in_quotes("[::1]" + colon_port)};
    }
    return Error{
        "expected a literal IPv4 address, an IPv6 address in brackets, or \"*\" before the port, found " +
        in_quotes(text)};
}

bool is_ipv6(const std::string& host) {
    return host.find(':') != host.npos;
}

bool includes(const InetAddress& wildcard, const InetAddress& other) {
    if (wildcard.host == "*") return true;
    if (wildcard.host == "::") return is_ipv6(other.host);
    if (wildcard.host == "0.0.0.0") return !is_ipv6(other.host) && other.host != "*";
    return wildcard.host == other.host;
}

bool overlap(const InetAddress& a, const InetAddress& b) {
    return a.port != 0 && a.port == b.port && (includes(a, b) || includes(b, a));
}

Result<InetAddress> parse_inet(std::string_view text) {
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
    return InetAddress{*std::move(canonical_host), *port};
}

// A path ends with a NUL in sun_path, and an abstract name begins with one (unix(7)).
constexpr std::size_t longest_unix_name = sizeof(sockaddr_un::sun_path) - 1;

Result<UnixAddress> parse_unix(const std::string& text, const std::string& folder) {
    if (text.find('\0') != text.npos) return Error{"a unix address cannot contain a NUL character"};
    if (text.empty() || text == "@" || text.ends_with('/')) {
        return Error{R"(expected the path of a socket such as "unix:/run/x.sock", or "unix:@name")"};
    }
    if (text.starts_with('@')) {
        if (text.size() - 1 <= longest_unix_name) return UnixAddress{text};
        return Error{"an abstract name has at most " + std::to_string(longest_unix_name) + " bytes, found " +
                     std::to_string(text.size() - 1)};
    }
    std::string path = absolute_path(folder, text);
    if (path.size() <= longest_unix_name) return UnixAddress{std::move(path)};
    return Error{"the path of a socket has at most " + std::to_string(longest_unix_name) + " bytes, and " +
                 in_quotes(path) + " has " + std::to_string(path.size())};
}

struct Prefix {
    std::string_view text;
    Transport transport;
};
constexpr Prefix unix_stream{"unix:", Transport::stream};
constexpr Prefix unix_datagram{"unix-dgram:", Transport::datagram};
constexpr Prefix udp{"udp:", Transport::datagram};

std::string place_text(const InetAddress& address) {
    const std::string host = is_ipv6(address.host) ? "[" + address.host + "]" : address.host;
    return host + ":" + std::to_string(address.port);
}

}  // namespace

Result<Address> parse_address(std::string_view text, const std::string& folder) {
    if (text.starts_with("tcp:")) return Error{"TCP needs no prefix; write " + in_quotes(text.substr(4))};
    for (const Prefix& prefix : {unix_stream, unix_datagram}) {
        if (!text.starts_with(prefix.text)) continue;
        auto address = parse_unix(std::string(text.substr(prefix.text.size())), folder);
        if (!address) return address.error();
        return Address{prefix.transport, *std::move(address)};
    }
    const bool is_udp = text.starts_with(udp.text);
    auto address = parse_inet(is_udp ? text.substr(udp.text.size()) : text);
    if (!address) return address.error();
    return Address{is_udp ? Transport::datagram : Transport::stream, *std::move(address)};
}

bool overlap(const Address& a, const Address& b) {
    if (a.inet() != nullptr && b.inet() != nullptr) {
        return a.transport == b.transport && overlap(*a.inet(), *b.inet());
    }
    if (a.inet() != nullptr || b.inet() != nullptr) return false;
    return *a.unix_domain() == *b.unix_domain() && (a.path() != nullptr || a.transport == b.transport);
}

std::string to_string(const Address& address) {
    const bool datagram = address.transport == Transport::datagram;
    if (const InetAddress* inet = address.inet()) {
        return std::string(datagram ? udp.text : "") + place_text(*inet);
    }
    return std::string((datagram ? unix_datagram : unix_stream).text) + address.unix_domain()->name;
}

std::string_view kind_of(const Address& address) {
    const bool datagram = address.transport == Transport::datagram;
    if (address.inet() != nullptr) return datagram ? "udp" : "tcp";
    return datagram ? "unix-dgram" : "unix";
}

}  // namespace sup::config
