// What a drain does when: the grace for idle clients, the deadline at which everything is ended, and the hard
// end at which nothing is waited for any more.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>

#include "common/duration.h"
#include "common/uv.h"

namespace sup::worker {

// How long before the supervisor's deadline, which is `timeout` after the drain signal, the worker closes
// what is left by itself, rather than being killed with it.
constexpr Duration drain_margin(Duration timeout) {
    return std::min(timeout / 2, std::clamp(timeout / 10, Duration{500}, Duration{5'000}));
}

class DrainClock {
public:
    // None may destroy the clock.
    struct Steps {
        std::function<void()> grace_over;
        std::function<void(Duration left)> deadline;  // once: ends take at most `left`
        std::function<void()> hard_end;               // once, some time after that
    };
    // The drain begins now.
    DrainClock(uv_loop_t* loop, Duration timeout, Steps steps);

    // Counts from now; again while it runs or is over: from now.
    void give_grace();
    // It has run out.
    bool grace_is_over() const { return grace_over_; }
    // Somebody is impatient: the deadline is now.
    void hurry();
    // Until the deadline.
    Duration left() const;

private:
    void end(Duration left, Duration hard_end);

    Duration timeout_;
    std::chrono::steady_clock::time_point deadline_at_;
    Steps steps_;
    uv::Timer grace_;
    bool grace_over_ = false;
    uv::Timer deadline_;
    uv::Timer hard_end_;
};

}  // namespace sup::worker
