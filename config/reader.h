// Reads a document by the table of keys.
#pragma once

#include "config/config.h"
#include "config/value.h"

namespace sup::config {

// Reads the whole document into `config`, reporting every problem that can be seen by looking at one value
// alone; what must hold between values is in cross_rules.h.
void read_document(const Value& root, Config& config);

}  // namespace sup::config
