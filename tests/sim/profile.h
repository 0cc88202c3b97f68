// What kind of day a seed has: how often which fault strikes, and what the operator is up to.
#pragma once

#include <cstdint>

#include "master/core/policy.h"
#include "tests/sim/random.h"

namespace sup::sim {

struct Profile {
    const char* name;

    // Faults, in percent.
    std::uint32_t prepare_fails;
    std::uint32_t slow_prepare;
    std::uint32_t bad_release;  // of generations: most of its workers fail in one way or another
    std::uint32_t spawn_fails;  // from here on: of workers
    std::uint32_t never_ready;
    std::uint32_t slow_ready;
    std::uint32_t crashes;
    std::uint32_t crash_within;  // milliseconds of its life
    std::uint32_t ignores_drain;
    std::uint32_t slow_drain;
    std::uint32_t late_deadline;  // told some time after it was due

    // The operator: milliseconds between two of his acts at most, and the weights of what he does.
    std::uint32_t pause;
    std::uint32_t reload;
    std::uint32_t reload_storm;
    std::uint32_t stop;
    std::uint32_t stop_now;
    std::uint32_t add;
    std::uint32_t remove;
    std::uint32_t kill_worker;
    std::uint32_t stale_event;  // an event about something that is gone, or was never there
};

const Profile& random_profile(Random& random);

// One of few lengths, so that things often fall due in the same instant. At most `limit` milliseconds.
Duration random_delay(Random& random, std::uint32_t limit);

// A generation's policy. Times are short against those of real configurations; the rules do not know the
// difference.
core::Policy random_policy(Random& random);

}  // namespace sup::sim
