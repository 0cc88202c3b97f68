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
    enum class Answer {
        no_worker,  // it is reaped here
        done,       // a worker's, whose ChildWatch has reaped it
        later,      // a worker's, whose ChildWatch will: nobody else may, or how it ended would be lost
    };
    using Collect = std::function<Answer(pid_t)>;

    // `collect` is asked about each child that has ended, at once and at each SIGCHLD.
    OrphanReaper(uv_loop_t* loop, const Collect& collect);

private:
    uv::Signal signal_;
};

}  // namespace sup
