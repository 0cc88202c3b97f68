// All keys of a configuration, in one table.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

// Reads the whole document into `config`, reporting every problem that can be seen by looking at one value
// alone; what must hold between values is in cross_rules.h.
void read_document(const Value& root, Config& config);

// Every key that is known, as the pointer to it without array indices: "/worker", "/listen/address". `env` is
// one key; its members are the user's.
std::vector<std::string> known_keys();

}  // namespace sup::config
