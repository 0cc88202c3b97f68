// When an overloaded worker puts idle connections back for its peers: only while something goes on, not too
// often, and ever more seldom while they come back because no peer takes them.
#pragma once

#include <functional>
#include <utility>

#include "common/uv.h"

namespace sup::worker {

class Rebalance {
public:
    // `look` does it, and returns whether there was anything to put back.
    Rebalance(uv_loop_t* loop, std::function<bool()> look) : loop_(loop), look_(std::move(look)) {}

    // Something happened that may have changed the balance, or that gives a chance to mend it.
    void activity() {
        if (!armed_) arm();
    }
    // A connection came out of the inbox.
    void taken() { came_back_ = true; }
    void stop();

private:
    void arm();
    void fire();

    static constexpr Duration shortest{50};
    static constexpr Duration longest{10'000};

    uv_loop_t* loop_;
    std::function<bool()> look_;
    uv::Timer timer_;
    Duration pause_ = shortest;
    bool armed_ = false;
    bool came_back_ = false;  // since the last look
    bool put_back_ = false;   // at the last look
    bool stopped_ = false;
};

}  // namespace sup::worker
