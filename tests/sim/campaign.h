// Many seeds, run by several threads that draw from one counter; each seed is a world of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

#include "tests/sim/coverage.h"
#include "tests/sim/options.h"
#include "tests/sim/property.h"

namespace sup::sim {

// The core ends the program when it finds itself broken; from now on the seed is told even then.
void name_the_seed_at_abort();

class Campaign {
public:
    explicit Campaign(const Options& options) : options_(options), next_(options.first) {}

    // Until seeds or time are used up, or a promise is found broken.
    void run();
    // Prints what came out of it; the exit code.
    int conclude() const;

private:
    void work();
    // Whether to end after this many seeds.
    bool enough(std::uint64_t before) const;
    bool expected(const Violation& violation) const;
    void note(std::uint64_t seed, const Violation& violation);
    int conclude_expected() const;

    const Options& options_;
    const std::chrono::steady_clock::time_point end_ =
        std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds);
    std::atomic<std::uint64_t> next_;
    std::atomic<bool> over_ = false;

    std::mutex mutex_;  // for what follows, while threads run
    Coverage coverage_;
    std::uint64_t seeds_ = 0;
    std::uint64_t events_ = 0;
    std::optional<Violation> violation_;
    std::uint64_t failed_seed_ = 0;
};

// One seed, with its story if the options ask for it; the exit code.
int replay(const Options& options);

}  // namespace sup::sim
