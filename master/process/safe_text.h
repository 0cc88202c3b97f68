// Text from a worker, made safe for a log, a terminal and JSON.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sup {

// Valid UTF-8 stays; control characters but tab (C0, DEL, C1) and bytes that are not UTF-8 become \xNN. The
// result is cut, with an ellipsis, before it exceeds `max_bytes` (at least 8).
std::string safe_text(std::string_view bytes, std::size_t max_bytes);

// The length of the prefix of `bytes` that does not end within a UTF-8 sequence; all of it when the end is no
// UTF-8 anyway.
std::size_t complete_utf8_prefix(std::string_view bytes);

}  // namespace sup
