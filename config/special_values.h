// How the values that are more than a number, a duration or a word are read; value.h says what a read_…
// function does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

constexpr std::int64_t most_workers = 4096;
constexpr std::size_t most_listeners = 1000;

// Of an instance or a listener: 1 to 64 of A-Z a-z 0-9 . _ -, neither "." nor "..".
bool is_name(std::string_view text);
std::string expected_name();

std::optional<std::string> read_name(const Value& value);
std::optional<Address> read_address(const Value& value);
std::optional<unsigned> read_mode(const Value& value);
// A user or a group, as `what` says.
std::optional<std::string> read_account(const Value& value, const std::string& what);
std::optional<std::uint32_t> read_count(const Value& value);
std::optional<int> read_signal(const Value& value);
// Nothing inside: for ever.
std::optional<std::optional<Duration>> read_patience(const Value& value);

}  // namespace sup::config
