#include "tests/sim/profile.h"

#include <algorithm>
#include <array>

namespace sup::sim {
namespace {

constexpr std::array<Profile, 7> profiles{{
    {.name = "calm",
     .prepare_fails = 2,
     .slow_prepare = 10,
     .bad_release = 3,
     .spawn_fails = 0,
     .never_ready = 0,
     .slow_ready = 5,
     .crashes = 3,
     .crash_within = 500,
     .ignores_drain = 2,
     .slow_drain = 20,
     .late_deadline = 5,
     .pause = 200,
     .reload = 10,
     .reload_storm = 1,
     .stop = 0,
     .stop_now = 0,
     .add = 3,
     .remove = 3,
     .kill_worker = 1,
     .stale_event = 2},
    {.name = "crashy",
     .prepare_fails = 10,
     .slow_prepare = 10,
     .bad_release = 25,
     .spawn_fails = 8,
     .never_ready = 5,
     .slow_ready = 15,
     .crashes = 40,
     .crash_within = 500,
     .ignores_drain = 10,
     .slow_drain = 30,
     .late_deadline = 10,
     .pause = 200,
     .reload = 8,
     .reload_storm = 1,
     .stop = 0,
     .stop_now = 0,
     .add = 2,
     .remove = 2,
     .kill_worker = 10,
     .stale_event = 5},
    {.name = "stormy",
     .prepare_fails = 15,
     .slow_prepare = 40,
     .bad_release = 15,
     .spawn_fails = 2,
     .never_ready = 2,
     .slow_ready = 20,
     .crashes = 5,
     .crash_within = 500,
     .ignores_drain = 15,
     .slow_drain = 60,
     .late_deadline = 10,
     .pause = 50,
     .reload = 20,
     .reload_storm = 8,
     .stop = 0,
     .stop_now = 0,
     .add = 5,
     .remove = 5,
     .kill_worker = 2,
     .stale_event = 5},
    {.name = "stopping",
     .prepare_fails = 10,
     .slow_prepare = 50,
     .bad_release = 15,
     .spawn_fails = 5,
     .never_ready = 5,
     .slow_ready = 30,
     .crashes = 20,
     .crash_within = 500,
     .ignores_drain = 20,
     .slow_drain = 60,
     .late_deadline = 10,
     .pause = 60,
     .reload = 16,
     .reload_storm = 2,
     .stop = 5,
     .stop_now = 1,
     .add = 4,
     .remove = 4,
     .kill_worker = 4,
     .stale_event = 4},
    {.name = "slow",
     .prepare_fails = 5,
     .slow_prepare = 80,
     .bad_release = 10,
     .spawn_fails = 3,
     .never_ready = 10,
     .slow_ready = 70,
     .crashes = 10,
     .crash_within = 500,
     .ignores_drain = 50,
     .slow_drain = 90,
     .late_deadline = 50,
     .pause = 300,
     .reload = 16,
     .reload_storm = 3,
     .stop = 1,
     .stop_now = 0,
     .add = 4,
     .remove = 4,
     .kill_worker = 4,
     .stale_event = 4},
    {.name = "scaling",
     .prepare_fails = 5,
     .slow_prepare = 20,
     .bad_release = 10,
     .spawn_fails = 5,
     .never_ready = 5,
     .slow_ready = 20,
     .crashes = 25,
     .crash_within = 500,
     .ignores_drain = 20,
     .slow_drain = 60,
     .late_deadline = 10,
     .pause = 30,
     .reload = 4,
     .reload_storm = 1,
     .stop = 0,
     .stop_now = 0,
     .add = 20,
     .remove = 20,
     .kill_worker = 8,
     .stale_event = 4},
    {.name = "looping",
     .prepare_fails = 2,
     .slow_prepare = 10,
     .bad_release = 0,
     .spawn_fails = 5,
     .never_ready = 2,
     .slow_ready = 2,
     .crashes = 97,
     .crash_within = 10,
     .ignores_drain = 2,
     .slow_drain = 20,
     .late_deadline = 5,
     .pause = 1000,
     .reload = 1,
     .reload_storm = 0,
     .stop = 0,
     .stop_now = 0,
     .add = 1,
     .remove = 3,
     .kill_worker = 10,
     .stale_event = 2},
}};

constexpr std::array<std::uint32_t, 14> lengths{0, 1, 1, 2, 5, 5, 10, 10, 20, 50, 100, 200, 500, 1000};

}  // namespace

const Profile& random_profile(Random& random) {
    return profiles[random.below(static_cast<std::uint32_t>(profiles.size()))];
}

Duration random_delay(Random& random, std::uint32_t limit) {
    return Duration{std::min(random.pick(lengths), limit)};
}

core::Policy random_policy(Random& random) {
    using std::array;
    const auto pick = [&random](const auto& choices) { return Duration{random.pick(choices)}; };
    core::Policy policy;
    policy.count = random.pick(array<std::uint32_t, 8>{1, 1, 2, 2, 2, 3, 4, 6});
    if (random.chance(25)) policy.ready_after = pick(array{0, 1, 5, 20, 50});
    policy.ready_timeout = pick(array{10, 20, 50, 100, 200});
    policy.drain_timeout = pick(array{0, 10, 50, 100, 500, 1000});
    policy.soak = pick(array{0, 0, 0, 1, 5, 20, 100});
    policy.later_soak = pick(array{0, 0, 0, 1, 10});
    policy.start_soak = pick(array{0, 0, 0, 1, 10});
    if (random.chance(50)) policy.max_surge = random.pick(array<std::uint32_t, 6>{1, 1, 1, 2, 3, 8});
    policy.max_draining = random.pick(array<std::uint32_t, 6>{1, 1, 1, 2, 2, 4});
    policy.restart_min_uptime = pick(array{0, 5, 20, 50, 200});
    policy.backoff_min = pick(array{0, 1, 2, 5, 10, 10});
    policy.backoff_max = pick(array{2, 5, 20, 100, 1000});
    return policy;
}

}  // namespace sup::sim
