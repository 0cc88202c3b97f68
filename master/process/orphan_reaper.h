// Reaps what is nobody's child but ours: the first process of a container inherits every orphan.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>

#include "common/uv.h"

namespace sup {

// Main thread only.
class OrphanReaper {
public:
    // Whether this process is the first of its pid namespace. Others need no reaper.
    static bool needed();

    // `collect_worker(pid)` is asked about each child that has ended: where it is a worker's it must end in
    // that worker's ChildWatch::collect() and return true; the others are reaped here.
    OrphanReaper(uv_loop_t* loop, std::function<bool(pid_t)> collect_worker);

private:
    uv::Signal signal_;
};

}  // namespace sup
