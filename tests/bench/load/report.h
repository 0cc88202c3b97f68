// The result of a run as one JSON object on one line.
#pragma once

#include <string>

#include "tests/bench/load/generator.h"
#include "tests/bench/load/options.h"

namespace sup::bench {

// {"event":"result", "requests": answered rightly, "failed": {kind: n}, "failed_total", "closed": {kind: n},
// "closed_total",
//  "connections", "elapsed_s", "latency_us": {"p50","p99","p999","max"}, "histogram": [[us, n]…],
//  "series": {"slice_ms", "requests": […], "failed": […], "closed": […], "p50_us": […], "p99_us": […]},
//  "censuses": [{"at_ms", "clients": {worker: n}}]}
std::string result_json(const Options& options, const Generator& generator);

}  // namespace sup::bench
