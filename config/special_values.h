// How the values that are more than a number, a duration or a word are read; value.h says what a read_…
// function does.
#pragma once

#include <optional>
#include <string>

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

constexpr std::int64_t most_workers = 4096;

// Of an instance or a listener: 1 to 64 of A-Z a-z 0-9 . _ -, neither "." nor "..".
bool is_name(std::string_view text);
std::string expected_name();

void read_name(const Value& value, std::string& out);
void read_address(const Value& value, Address& out);
void read_mode(const Value& value, unsigned& out);
void read_account(const Value& value, const std::string& what, std::optional<std::string>& out);
void read_count(const Value& value, std::uint32_t& out);
void read_signal(const Value& value, int& out);
void read_strategy(const Value& value, Strategy& out);

}  // namespace sup::config
