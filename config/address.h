// "127.0.0.1:80", "[::1]:80", "*:80", "udp:127.0.0.1:53", "unix:/run/x.sock", "unix:@x", "unix-dgram:/run/x".
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "config/config.h"

namespace sup::config {

// A host is a literal address or "*", a port a number from 0 to 65535; the host comes out in its canonical
// spelling, and a relative path from `folder` on, so that equal addresses compare equal. The error says what
// was expected.
Result<Address> parse_address(std::string_view text, const std::string& folder);

// As parse_address() reads it.
std::string to_string(const Address& address);

// "tcp", "udp", "unix" or "unix-dgram".
std::string_view kind_of(const Address& address);

// Whether both cannot be bound at once. Of TCP and of UDP: the same port (other than 0), and the same host or
// one of them a wildcard that includes the other ("0.0.0.0" includes every IPv4 address, "::" every IPv6
// address, "*" all). Of unix sockets: the same path, or the same abstract name and kind.
bool overlap(const Address& a, const Address& b);

}  // namespace sup::config
