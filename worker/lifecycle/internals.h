// How the library's own parts reach what stands behind a Worker.
#pragma once

#include "sup/worker.h"
#include "worker/lifecycle/core.h"

namespace sup::worker {

struct Internals {
    static Core& core(Worker& worker) { return *worker.core_; }
};

}  // namespace sup::worker
