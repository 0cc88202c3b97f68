// How the library's own parts reach what stands behind a Worker.
#pragma once

#include "sup/connections.h"
#include "sup/worker.h"
#include "worker/lifecycle/connections_core.h"
#include "worker/lifecycle/core.h"

namespace sup::worker {

struct Internals {
    static Core& core(Worker& worker) { return *worker.core_; }
    static const std::shared_ptr<ConnectionsCore>& core(Connections& connections) {
        return connections.core_;
    }
};

}  // namespace sup::worker
