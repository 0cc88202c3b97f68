// Tasks for a worker's loop, from any thread. Shared by everybody who posts, so it outlives the worker, and
// then says no.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "common/uv.h"

namespace sup::worker {

class Mailbox {
public:
    using Task = std::function<void()>;

    // In the loop's thread.
    static std::shared_ptr<Mailbox> open(uv_loop_t* loop);
    Mailbox(const Mailbox&) = delete;
    Mailbox& operator=(const Mailbox&) = delete;

    // Any thread. True: the loop runs `task`, after those that were posted before it, unless the mailbox is
    // closed first; destroyed in the loop's thread. What it throws is logged. False: it is closed,
    // and `task` was destroyed here.
    bool post(Task task);

    // In the loop's thread, which must be done before the loop goes: takes nothing more. Returns what is
    // left, in order, for the caller to run or to drop. Closing again does nothing.
    std::vector<Task> close();

    static void run(std::vector<Task> tasks);

private:
    Mailbox() = default;
    std::vector<Task> take();

    std::mutex mutex_;
    std::vector<Task> tasks_;
    uv::Async wake_;  // none: closed
};

}  // namespace sup::worker
