#include "master/releases/generation.h"

#include "tests/catch.h"

using sup::Duration;

TEST_CASE("a generation lives for a moment before it is promoted, whatever the configured soak") {
    sup::config::Config config;
    config.reload.soak = Duration{0};
    CHECK(sup::policy_of(config).soak == sup::shortest_soak);
    CHECK(sup::policy_of(config).later_soak == sup::shortest_soak);
    config.reload.soak = sup::shortest_soak + Duration{1};
    CHECK(sup::policy_of(config).soak == config.reload.soak);
    CHECK(sup::policy_of(config).later_soak == config.reload.soak);
    CHECK(sup::policy_of(config).start_soak == sup::shortest_soak);
}

TEST_CASE("a release is on trial for a second, once: not in later steps, and not where nobody is replaced") {
    const auto policy = sup::policy_of({});
    CHECK(policy.soak == Duration{1'000});
    CHECK(policy.later_soak == sup::shortest_soak);
    CHECK(policy.start_soak == sup::shortest_soak);
}

TEST_CASE("the core goes by what the configuration says, each key for itself") {
    sup::config::Config config;
    config.worker.count = 2;
    config.worker.ready = sup::config::ReadyAfter{Duration{3}};
    config.worker.ready_timeout = Duration{4};
    config.drain.timeout = Duration{5};
    config.reload = {sup::config::Strategy::rolling, 6, Duration{7'000}, 8};
    config.restart = {Duration{9}, Duration{10}, Duration{11}};
    const sup::core::Policy wanted{.count = 2,
                                   .ready_after = Duration{3},
                                   .ready_timeout = Duration{4},
                                   .drain_timeout = Duration{5},
                                   .soak = Duration{7'000},
                                   .later_soak = Duration{7'000},
                                   .start_soak = sup::shortest_soak,
                                   .max_surge = 6,
                                   .max_draining = 8,
                                   .restart_min_uptime = Duration{9},
                                   .backoff_min = Duration{10},
                                   .backoff_max = Duration{11}};
    CHECK((sup::policy_of(config) == wanted));
    config.reload.strategy = sup::config::Strategy::replace;
    CHECK_FALSE(sup::policy_of(config).max_surge);
}
