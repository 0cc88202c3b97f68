// Text from anywhere, made safe for a log, a terminal and JSON. The one escape of the project.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace sup {

// Valid UTF-8 stays. What would act on a terminal, or show text as what it is not, becomes \xNN, byte by
// byte: control characters but tab (C0, DEL, C1), line and paragraph separators, marks that change the
// direction of writing (U+061C, U+200E/F, U+202A to U+202E, U+2066 to U+2069), and bytes that are not UTF-8.
// The result is cut, with an ellipsis, before it exceeds `max_bytes` (at least 8).
std::string safe_text(std::string_view bytes,
                      std::size_t max_bytes = std::numeric_limits<std::size_t>::max());

// Whether it is printable ASCII throughout, as nearly all of a log is: safe_text() has nothing to do.
bool is_plain(std::string_view bytes);

// As safe_text(), with line ends and tabs as they are, for text of several lines.
std::string safe_lines(std::string_view bytes);

// JSON text, indented or not, in which the same characters are written as \uNNNN: a program reads what was
// there. `json` is valid JSON in valid UTF-8.
std::string safe_json(std::string_view json);

// The length of the prefix of `bytes` that does not end within a UTF-8 sequence; all of it when the end is
// not UTF-8 anyway.
std::size_t complete_utf8_prefix(std::string_view bytes);

}  // namespace sup
