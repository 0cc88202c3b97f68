// Which thread a worker belongs to, and the check that holds it.
#pragma once

#include <atomic>
#include <thread>

namespace sup::worker {

class LoopThread {
public:
    LoopThread() { bind(); }
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    // The calling thread it is, from now on.
    void bind() { owner_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
    // No thread owns it, and any may call: run() has returned, and the owner of what is left takes it apart.
    void release() { owner_.store({}, std::memory_order_relaxed); }

    // Always on. Aborts on another thread, with a message that names `what` ("Response::send") and the right
    // way: what is not locked would break under load only, and elsewhere.
    void check(const char* what) const {
        const std::thread::id owner = owner_.load(std::memory_order_relaxed);
        if (owner != std::this_thread::get_id() && owner != std::thread::id{}) refuse(what);
    }

private:
    [[noreturn]] static void refuse(const char* what);

    std::atomic<std::thread::id> owner_;
};

}  // namespace sup::worker
