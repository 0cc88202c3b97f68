#include "worker/lifecycle/rebalance.h"

#include <algorithm>

namespace sup::worker {

void Rebalance::stop() {
    stopped_ = true;
    timer_ = {};
}

void Rebalance::arm() {
    if (stopped_) return;
    armed_ = true;
    if (!timer_) timer_ = uv::Timer(loop_, [this] { fire(); });
    timer_.arm(pause_);
}

void Rebalance::fire() {
    armed_ = false;
    pause_ = put_back_ && came_back_ ? std::min(pause_ * 2, longest) : shortest;
    came_back_ = false;
    put_back_ = look_();
    if (put_back_) arm();
}

}  // namespace sup::worker
