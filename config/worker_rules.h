// What must hold between a worker's values and the listeners that it gets.
#pragma once

#include "config/collector.h"
#include "config/config.h"
#include "config/json_tree.h"

namespace sup::config {

// Without words about it, a worker that is told the einhorn way is ready by its ack.
void default_ready(const Node& root, Config& config);

// Placeholders name listeners that there are and that have what is asked of them; the protocols fit the
// listeners, and the readiness the protocols. A rule about a value that already has a problem is left out.
void check_worker_rules(const Node& root, const Config& config, Collector& problems);

}  // namespace sup::config
