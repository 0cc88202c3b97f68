// Work on libuv's pool of threads (UV_THREADPOOL_SIZE), and what follows it in the loop.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "common/uv.h"

namespace sup::worker {

// In the loop's thread, all of it.
class Offload {
public:
    // `idle` is called after the last job under way has ended.
    Offload(uv::Loop& loop, std::function<void()> idle) : loop_(loop), idle_(std::move(idle)) {}
    // Waits for what runs at this moment: a thread cannot be stopped. Its `done` is not called.
    ~Offload();
    Offload(const Offload&) = delete;
    Offload& operator=(const Offload&) = delete;

    // `work` on the pool, then `done` here. Both are destroyed here. What `work` throws is logged,
    // and `done` is then dropped uncalled.
    void begin(std::function<void()> work, std::function<void()> done);
    std::size_t under_way() const { return jobs_.size(); }

    // Drops what no thread has begun yet, and every `done`.
    void give_up();
    // For work that waits for something, on the pool: true once nobody waits for it any more. Outlives this.
    std::shared_ptr<const std::atomic<bool>> given_up() const { return given_up_; }

private:
    struct Job;
    using Jobs = std::list<std::shared_ptr<Job>>;

    void ended(Job& job, int status);

    uv::Loop& loop_;
    std::function<void()> idle_;
    Jobs jobs_;
    std::vector<std::shared_ptr<Job>> left_;  // to run to its end
    const std::shared_ptr<std::atomic<bool>> given_up_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace sup::worker
