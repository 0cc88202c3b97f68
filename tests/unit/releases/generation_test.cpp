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
