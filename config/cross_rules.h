// What must hold between several values of a configuration.
#pragma once

#include "config/collector.h"
#include "config/config.h"
#include "config/json_tree.h"

namespace sup::config {

// Names and addresses of listeners are unique, their keys fit their kind of socket, a worker can be ready
// before it is given up, and the shortest restart delay is not above the longest. A rule about a value that
// already has a problem is left out.
void check_cross_rules(const Node& root, const Config& config, Collector& problems);

}  // namespace sup::config
