#include "master/generation.h"

#include "tests/catch.h"

using sup::Duration;

TEST_CASE("a generation lives for a moment before it is promoted, whatever the configured soak") {
    sup::config::Config config;
    CHECK(sup::policy_of(config).soak == sup::shortest_soak);
    config.reload.soak = sup::shortest_soak + Duration{1};
    CHECK(sup::policy_of(config).soak == config.reload.soak);
}
