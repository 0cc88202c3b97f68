// The sockets of this network namespace, as the kernel tells everybody (proc_net(5)). Opens no socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sup {

// A TCP socket that listens, or a UDP socket that is bound.
struct BoundSocket {
    std::string host;  // "127.0.0.1", "::1", "0.0.0.0", "::"
    std::uint16_t port = 0;
    std::uint64_t inode = 0;  // of the socket: the "socket:[INODE]" of /proc/PID/fd

    friend bool operator==(const BoundSocket&, const BoundSocket&) = default;
};

// Those of a table in the format of /proc/net/tcp, tcp6, udp or udp6; lines that are something else are
// passed over.
std::vector<BoundSocket> parse_tcp_table(std::string_view table);  // in LISTEN state; they come first
std::vector<BoundSocket> parse_udp_table(std::string_view table);  // not connected

// Of both families. Empty where /proc is not there.
std::vector<BoundSocket> listening_tcp_sockets();
std::vector<BoundSocket> bound_udp_sockets();

// The inodes of the unix sockets that are bound to this name, a path or "@…" (as they were bound: a path may
// since have been renamed), in a table in the format of /proc/net/unix.
std::vector<std::uint64_t> parse_unix_table(std::string_view table, std::string_view name);
std::vector<std::uint64_t> unix_sockets_named(std::string_view name);

}  // namespace sup
