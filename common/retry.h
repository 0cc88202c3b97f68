// When to try again what nothing tells the end of: soon, then ever more seldom while it is in vain.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "common/uv.h"

namespace sup {

class Retry {
public:
    Retry(uv_loop_t* loop, std::function<void()> again) : timer_(loop, std::move(again)) {}

    void arm() {
        timer_.arm(delay_);
        delay_ = std::min(delay_ * 2, longest);
    }
    // It was not in vain: the next wait is short again.
    void went_on() { delay_ = shortest; }

private:
    static constexpr Duration shortest{5};
    static constexpr Duration longest{1'000};

    uv::Timer timer_;
    Duration delay_ = shortest;
};

}  // namespace sup
