// What a worker writes to EINHORN_SOCK_PATH when it has started.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace sup {

// The pid that one line, without its end, acknowledges: {"command":"worker:ack","pid":4711}, or the same in
// YAML with its newlines written %0A, which is what einhorn's own Ruby client sends. None for anything else.
std::optional<pid_t> parse_ack(std::string_view line);

}  // namespace sup
