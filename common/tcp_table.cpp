#include "common/tcp_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

namespace sup {
namespace {

constexpr std::string_view listen_state = "0A";  // TCP_LISTEN

std::optional<std::uint32_t> hexadecimal(std::string_view digits) {
    std::uint32_t number = 0;
    const auto [rest, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
    if (problem != std::errc{} || rest != digits.data() + digits.size()) return std::nullopt;
    return number;
}

// The kernel prints an address, which is in network order, as 32-bit numbers in the machine's order.
std::optional<std::string> host_of(std::string_view digits) {
    constexpr std::size_t word = 8;
    if (digits.size() != word && digits.size() != 4 * word) return std::nullopt;
    std::array<std::uint32_t, 4> address{};
    for (std::size_t i = 0; i * word < digits.size(); ++i) {
        const auto number = hexadecimal(digits.substr(i * word, word));
        if (!number) return std::nullopt;
        address[i] = *number;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = digits.size() == word ? AF_INET : AF_INET6;
    if (inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return std::nullopt;
    return text.data();
}

// "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …"
std::optional<TcpListener> parse_line(const std::string& line) {
    std::istringstream fields{line};
    std::string slot, local, remote, state, skipped;
    fields >> slot >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) fields >> skipped;
    TcpListener listener;
    if (!(fields >> listener.inode) || state != listen_state) return std::nullopt;
    const std::size_t colon = local.find(':');
    if (colon == local.npos) return std::nullopt;
    const auto host = host_of(std::string_view(local).substr(0, colon));
    const auto port = hexadecimal(std::string_view(local).substr(colon + 1));
    if (!host || !port || *port > 0xFFFF) return std::nullopt;
    listener.host = *host;
    listener.port = static_cast<std::uint16_t>(*port);
    return listener;
}

}  // namespace

std::vector<TcpListener> parse_tcp_table(std::string_view table) {
    std::vector<TcpListener> listeners;
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        if (auto listener = parse_line(line)) listeners.push_back(*std::move(listener));
    }
    return listeners;
}

std::vector<TcpListener> listening_tcp_sockets() {
    std::vector<TcpListener> all;
    for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file{name};
        const std::string table{std::istreambuf_iterator<char>{file}, {}};
        for (TcpListener& listener : parse_tcp_table(table)) all.push_back(std::move(listener));
    }
    return all;
}

}  // namespace sup
