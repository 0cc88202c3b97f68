// How the values are read that say what a worker is and how sup talks to it; value.h says what a read_…
// function does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

// Into program and arguments.
void read_command(const Value& value, Worker& out);
void read_env(const Value& value, std::map<std::string, Template>& out);
void read_protocols(const Value& value, std::vector<Protocol>& out);
void read_ready(const Value& value, Ready& out);

}  // namespace sup::config
