// sup-sim: simulates whole lives of an instance, and holds the core to its promises.
#include <cstdio>

#include "tests/sim/campaign.h"
#include "tests/sim/options.h"

int main(int argc, char** argv) {
    const auto options = sup::sim::parse(argc, argv);
    if (!options) {
        std::fputs(sup::sim::usage, stderr);
        return 2;
    }
    sup::sim::name_the_seed_at_abort();
    if (options->one) return sup::sim::replay(*options);
    sup::sim::Campaign campaign(*options);
    campaign.run();
    return campaign.conclude();
}
