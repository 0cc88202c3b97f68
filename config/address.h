// "127.0.0.1:80", "[::1]:80", "*:80".
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"
#include "config/config.h"

namespace sup::config {

// HOST is a literal address or "*", PORT a number from 0 to 65535. The host comes out in its canonical
// spelling, so that equal addresses compare equal. The error says what was expected.
Result<TcpAddress> parse_tcp_address(std::string_view text);

// Whether both cannot be bound at once: the same port (other than 0), and the same host or one of them a
// wildcard that includes the other. "0.0.0.0" includes every IPv4 address, "::" every IPv6 address, "*" all.
bool overlap(const TcpAddress& a, const TcpAddress& b);

}  // namespace sup::config
