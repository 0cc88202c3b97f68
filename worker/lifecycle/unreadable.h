// Connections that ended because the successor cannot resume from their state: counted, and reported to the
// master.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/uv.h"

namespace sup::worker {

class Unreadable {
public:
    using Tell = std::function<void(const std::string& protocol, std::uint64_t connections)>;
    // `tell` gets the count up to then: once for all that end in one turn of the loop.
    Unreadable(uv_loop_t* loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}

    void add(const std::string& protocol) {
        ++ended_[protocol];
        if (timer_) return;
        timer_ = uv::Timer(loop_, [this] { tell_now(); });
        timer_.arm(Duration{0});
    }
    void tell_now() {
        timer_ = {};
        for (const auto& [protocol, connections] : ended_) tell_(protocol, connections);
    }

private:
    uv_loop_t* loop_;
    Tell tell_;
    std::map<std::string, std::uint64_t> ended_;
    uv::Timer timer_;
};

}  // namespace sup::worker
