#include "worker/http/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace sup::http {
namespace {

std::string text_of(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(family, address, text.data(), text.size()) == nullptr ? "" : text.data();
}

template <typename Address>
Address read_as(const sockaddr_storage& stored) {
    Address address{};
    std::memcpy(&address, &stored, sizeof address);
    return address;
}

Peer internet4(const sockaddr_in& from) {
    return {text_of(AF_INET, &from.sin_addr), ntohs(from.sin_port), std::nullopt};
}

Peer internet6(const sockaddr_in6& from) {
    constexpr std::size_t prefix = 12;  // of an IPv4 address in an IPv6 one
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&from.sin6_addr) != 0;
    const std::uint8_t* bytes = from.sin6_addr.s6_addr;
    return {mapped ? text_of(AF_INET, bytes + prefix) : text_of(AF_INET6, bytes), ntohs(from.sin6_port),
            std::nullopt};
}

Peer local(int socket, const sockaddr_un& from, socklen_t size) {
    Peer peer;
    constexpr std::size_t begin = offsetof(sockaddr_un, sun_path);
    if (size > begin && from.sun_path[0] != '\0')
        peer.address.assign(from.sun_path, ::strnlen(from.sun_path, size - begin));
    ucred who{};
    socklen_t room = sizeof who;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &room) == 0)
        peer.credentials = Credentials{who.pid, who.uid, who.gid};
    return peer;
}

}  // namespace

Peer peer_of(int socket) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    if (socket < 0 || ::getpeername(socket, reinterpret_cast<sockaddr*>(&from), &size) != 0) return {};
    switch (from.ss_family) {
        case AF_INET: return internet4(read_as<sockaddr_in>(from));
        case AF_INET6: return internet6(read_as<sockaddr_in6>(from));
        case AF_UNIX: return local(socket, read_as<sockaddr_un>(from), size);
        default: return {};
    }
}

}  // namespace sup::http
