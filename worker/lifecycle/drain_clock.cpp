#include "worker/lifecycle/drain_clock.h"

#include <utility>

namespace sup::worker {
namespace {

using Clock = std::chrono::steady_clock;

// At a stop nobody takes idle connections over. Their clients get this long to send a request that is on its
// way.
constexpr Duration idle_grace{1'000};
// Of the margin: how long to wait for clients, and how long for whatever has not ended by then.
constexpr Duration for_clients(Duration margin) {
    return margin / 2;
}
constexpr Duration for_everything(Duration margin) {
    return margin * 3 / 4;
}
constexpr Duration hurried{250};

}  // namespace

DrainClock::DrainClock(uv_loop_t* loop, Duration timeout, Steps steps)
    : timeout_(timeout),
      deadline_at_(Clock::now() + timeout - drain_margin(timeout)),
      steps_(std::move(steps)),
      grace_(loop,
             [this] {
                 grace_over_ = true;
                 steps_.grace_over();
             }),
      deadline_(loop,
                [this] { end(for_clients(drain_margin(timeout_)), for_everything(drain_margin(timeout_))); }),
      hard_end_(loop, [this] { steps_.hard_end(); }) {
    deadline_.arm(timeout - drain_margin(timeout));
}

void DrainClock::give_grace() {
    grace_over_ = false;
    grace_.arm(std::min(idle_grace, timeout_ / 4));
}

void DrainClock::hurry() {
    end(Duration{0}, hurried);
}

void DrainClock::end(Duration left, Duration hard_end) {
    deadline_.cancel();
    hard_end_.arm(hard_end);
    steps_.deadline(left);
}

Duration DrainClock::left() const {
    return std::max(std::chrono::duration_cast<Duration>(deadline_at_ - Clock::now()), Duration{0});
}

}  // namespace sup::worker
