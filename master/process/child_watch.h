// Waits for one worker to end, and ends it properly: its whole process group goes with it.
#pragma once

#include <sys/types.h>
#include <uv.h>

#include <functional>
#include <memory>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/core/event.h"
#include "master/process/signal_outcome.h"

namespace sup {

struct ExitReport {
    core::ExitStatus status;
    bool status_known =
        true;  // false when somebody else reaped it, or it was no child of ours; status means nothing then
    bool group_remained = false;  // other processes of its group were still there, and were SIGKILLed
};

// Main thread only. Destroying the watch of a process that still lives SIGKILLs its group and reaps it,
// unless it may not be signalled.
class ChildWatch {
public:
    using OnExit = std::function<void(const ExitReport&)>;
    // Called once, before that: it has ended, and its zombie still holds its number, users and session. Must
    // not destroy the watch. Not where somebody else reaped it.
    using OnEnd = std::function<void()>;

    // `on_exit` is called once, from the loop or from collect(), after the process was reaped and its group
    // killed; it may destroy the watch. `pid` must lead its own process group, as everything from spawn()
    // does.
    static Result<std::unique_ptr<ChildWatch>> create(uv_loop_t* loop, pid_t pid, UniqueFd pidfd,
                                                      OnExit on_exit, OnEnd on_end = {});
    ~ChildWatch();
    ChildWatch(const ChildWatch&) = delete;
    ChildWatch& operator=(const ChildWatch&) = delete;

    pid_t pid() const noexcept { return pid_; }

    // To the main process alone; 0 only asks. Works even if a sandbox refuses pidfd_send_signal(2): until it
    // is reaped its pid cannot be reused.
    SignalOutcome signal(int number) const;
    // To its whole process group; nothing when the process was reaped.
    SignalOutcome signal_group(int number) const;
    // SIGKILL to the whole group; nothing when the process was reaped (its number may be somebody else's by
    // now).
    void kill_group();
    // Looks whether the process has ended, without waiting; if so, finishes it and calls on_exit. True when
    // it is reaped.
    bool collect();
    bool reaped() const noexcept { return reaped_; }

private:
    ChildWatch(uv_loop_t* loop, pid_t pid, UniqueFd pidfd, OnExit on_exit, OnEnd on_end);
    void on_readable();

    pid_t pid_;
    UniqueFd pidfd_;
    OnExit on_exit_;
    OnEnd on_end_;
    uv::Poll poll_;
    uv::Timer retry_;
    bool reaped_ = false;
};

// A parent may have started sup with SIGCHLD ignored, which survives exec and makes the kernel throw away how
// children ended. To be called once, before the first spawn.
void reset_child_signal();

}  // namespace sup
