// Questions to the kernel about sockets: sock_diag(7).
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

namespace sup {

// One socket's answer: what follows the netlink header.
using SockDiagAnswer = std::function<void(std::string_view body)>;

// `body` is one of the requests of sock_diag(7), without the netlink header. Every socket in the
// answer is reported, in no particular order; with `dump` all that match, otherwise the one that is named.
// False: the kernel does not answer, or not to the end (no such family, a sandbox forbids it, the socket is
// gone). Blocks for as long as the kernel needs to look.
bool ask_sock_diag(std::string_view body, bool dump, const SockDiagAnswer& each);

// The attribute of this type behind the first `fixed` bytes of an answer.
std::optional<std::string_view> sock_diag_attribute(std::string_view body, std::size_t fixed, int type);

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

// The structure that `bytes` begin with; nothing if they are too short.
template <typename T>
std::optional<T> read_structure(std::string_view bytes) {
    T value{};
    if (bytes.size() < sizeof value) return std::nullopt;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

}  // namespace sup
