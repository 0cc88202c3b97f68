// Signals by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sup {

// "SIGTERM", "SIGRTMIN+3"; "signal 200" for a number that names none.
std::string signal_name(int number);

// As messages tell what ended a process: "signal 11 (SIGSEGV)", "signal 40".
std::string numbered_signal(int number);

// The way back, with or without "SIG": "SIGTERM", "TERM", "RTMIN+3". None for all else.
std::optional<int> signal_number(std::string_view name);

}  // namespace sup
