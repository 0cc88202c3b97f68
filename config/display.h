// Text from a configuration file, made fit to be shown to a person on a terminal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sup::config {

// As safe_text() does it, and on one line: a tab is written out, too.
std::string printable(std::string_view text);

// In double quotes, printable, cut short when it is long.
std::string in_quotes(std::string_view text);

// "a", "b", "c": each quoted.
std::string quoted_list(std::span<const std::string_view> names);

constexpr std::size_t longest_excerpt = 60;  // bytes

// printable(), cut short when it is longer than so many bytes.
std::string excerpt(std::string_view text, std::size_t longest = longest_excerpt);

// A reference token of a JSON pointer: "/" and the key with its '~' and '/' escaped (RFC 6901).
std::string pointer_token(std::string_view key);

}  // namespace sup::config
