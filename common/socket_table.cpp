#include "common/socket_table.h"

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

constexpr std::string_view listening = "0A";    // TCP_LISTEN
constexpr std::string_view unconnected = "07";  // TCP_CLOSE

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
std::optional<BoundSocket> parse_line(const std::string& line, std::string_view wanted_state) {
    std::istringstream fields{line};
    std::string slot, local, remote, state, skipped;
    fields >> slot >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) fields >> skipped;
    BoundSocket bound;
    if (!(fields >> bound.inode) || state != wanted_state) return std::nullopt;
    const std::size_t colon = local.find(':');
    if (colon == local.npos) return std::nullopt;
    const auto host = host_of(std::string_view(local).substr(0, colon));
    const auto port = hexadecimal(std::string_view(local).substr(colon + 1));
    if (!host || !port || *port > 0xFFFF) return std::nullopt;
    bound.host = *host;
    bound.port = static_cast<std::uint16_t>(*port);
    return bound;
}

bool is_connection(const std::string& line) {
    std::istringstream fields{line};
    std::string slot, local, remote, state;
    return fields >> slot >> local >> remote >> state && slot != "sl" && state != listening;
}

// All that listen come before the first connection (the kernel's proc_net_tcp.rst), of which a busy machine
// may have some hundred thousand: the kernel is not asked for them.
void take_listening(std::istream& table, std::vector<BoundSocket>& all) {
    for (std::string line; std::getline(table, line) && !is_connection(line);) {
        if (auto bound = parse_line(line, listening)) all.push_back(*std::move(bound));
    }
}

void take_bound(std::istream& table, std::vector<BoundSocket>& all) {
    for (std::string line; std::getline(table, line);) {
        if (auto bound = parse_line(line, unconnected)) all.push_back(*std::move(bound));
    }
}

std::string read_table(const char* name) {
    std::ifstream file{name};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

std::vector<BoundSocket> parse_tcp_table(std::string_view table) {
    std::vector<BoundSocket> all;
    std::istringstream lines{std::string(table)};
    take_listening(lines, all);
    return all;
}

std::vector<BoundSocket> parse_udp_table(std::string_view table) {
    std::vector<BoundSocket> all;
    std::istringstream lines{std::string(table)};
    take_bound(lines, all);
    return all;
}

std::vector<BoundSocket> listening_tcp_sockets() {
    std::vector<BoundSocket> all;
    for (const char* name : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table{name};
        take_listening(table, all);
    }
    return all;
}

std::vector<BoundSocket> bound_udp_sockets() {
    std::vector<BoundSocket> all;
    for (const char* name : {"/proc/net/udp", "/proc/net/udp6"}) {
        std::ifstream table{name};
        take_bound(table, all);
    }
    return all;
}

// "Num: RefCount Protocol Flags Type St Inode Path"; connected sockets of a server have its path, too.
std::vector<std::uint64_t> parse_unix_table(std::string_view table, std::string_view name) {
    std::vector<std::uint64_t> inodes;
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields{line};
        std::string skipped, path;
        for (int i = 0; i < 6; ++i) fields >> skipped;
        std::uint64_t inode = 0;
        if (!(fields >> inode)) continue;
        fields.get();
        if (std::getline(fields, path) && path == name) inodes.push_back(inode);
    }
    return inodes;
}

std::vector<std::uint64_t> unix_sockets_named(std::string_view name) {
    return parse_unix_table(read_table("/proc/net/unix"), name);
}

}  // namespace sup
