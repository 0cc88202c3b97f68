// The TCP sockets that listen in this network namespace, as the kernel tells everybody. Opens no socket.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sup {

struct TcpListener {
    std::string host;  // "127.0.0.1", "::1", "0.0.0.0", "::"
    std::uint16_t port = 0;
    std::uint64_t inode = 0;  // of the socket: the "socket:[INODE]" of /proc/PID/fd

    friend bool operator==(const TcpListener&, const TcpListener&) = default;
};

// Those in LISTEN state of a table in the format of /proc/net/tcp or tcp6 (proc_net(5)); lines that are
// something else are passed over.
std::vector<TcpListener> parse_tcp_table(std::string_view table);

// Of both tables of this process's network namespace. Empty where /proc is not there.
std::vector<TcpListener> listening_tcp_sockets();

}  // namespace sup
