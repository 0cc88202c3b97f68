// Reaps whoever has become our child: orphans of our workers (PR_SET_CHILD_SUBREAPER), in a container
// everybody's, and what was started in this process before it became sup.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>

#include "common/uv.h"

namespace sup {

// Main thread only.
class OrphanReaper {
public:
    // `collect_worker(pid)` is asked about each child that has ended: where it is a worker's it must end in
    // that worker's ChildWatch::collect() and return true; the others are reaped here. Those that have ended
    // already are, before it returns.
    OrphanReaper(uv_loop_t* loop, const std::function<bool(pid_t)>& collect_worker);

private:
    uv::Signal signal_;
};

}  // namespace sup
