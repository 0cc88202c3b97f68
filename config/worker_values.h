// How the values are read that say what a worker is and how sup talks to it; value.h says what a read_…
// function does.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

// In the order of Protocol.
std::span<const std::string_view> protocol_names();
// The descriptors that a worker may say that it is ready by.
constexpr Range ready_descriptors{3, 1023};

struct CommandLine {
    std::string program;
    std::vector<Template> arguments;
};

// These three return also what was good of a value that has a problem somewhere inside, for the rules between
// values.
std::optional<CommandLine> read_command(const Value& value);
std::optional<std::map<std::string, Template>> read_env(const Value& value);
std::optional<std::vector<Protocol>> read_protocols(const Value& value);

std::optional<Ready> read_ready(const Value& value);

}  // namespace sup::config
