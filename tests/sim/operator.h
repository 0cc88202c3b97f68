// The person at the keyboard, and the scripts of his colleagues: asks for reloads, stops and other counts at
// moments of chance.
#pragma once

#include <cstdint>
#include <optional>

#include "master/core/event.h"
#include "tests/sim/profile.h"
#include "tests/sim/random.h"
#include "tests/sim/world.h"

namespace sup::sim {

class Operator {
public:
    Operator(const Profile& profile, Random random, World& world)
        : profile_(profile), random_(random), world_(world) {}

    core::TimePoint next_at() const { return next_at_; }
    // What he does now; nothing when it is not the core that hears of it first.
    std::optional<core::Event> act();

    core::Event start() { return core::StartRequested{next_request()}; }
    core::Event reload();
    core::Event stop(bool now);
    // After a pause of nothing: begin anew at the world's present time.
    void resume() { next_at_ = world_.now(); }

private:
    core::Event echo();
    core::RequestId next_request() { return core::RequestId{++requests_}; }

    const Profile& profile_;
    Random random_;
    World& world_;
    core::TimePoint next_at_{};
    std::uint64_t requests_ = 0;
    std::uint32_t echoes_ = 0;  // of a signal, that are still to come
    std::uint32_t storm_ = 0;   // reloads of the running storm that are still to come
};

}  // namespace sup::sim
