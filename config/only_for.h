// Keys that are not for every kind of socket, or not for every value of another key.
#pragma once

#include "config/collector.h"
#include "config/config.h"
#include "config/json_tree.h"

namespace sup::config {

// Reports each key that is given where the table says that it has no place. A rule about a value that already
// has a problem is left out.
void check_only_for(const Node& root, const Config& config, Collector& problems);

}  // namespace sup::config
