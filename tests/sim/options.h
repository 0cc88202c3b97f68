// The command line of sup-sim.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sup::sim {

struct Options {
    std::uint64_t first = 1;        // seed
    std::uint64_t seeds = 10'000;   // at most
    std::uint64_t seconds = 3'600;  // at most
    std::uint64_t jobs = 1;
    bool one = false;                             // replay the first seed alone
    bool trace = false;                           // … and print its story
    bool connections_only = false;                // overlook who is offered which inbox
    bool require_coverage = false;                // fail when something reachable was never visited
    std::optional<std::string> expect_violation;  // fail unless a promise with these words is found broken
};

// Nothing if it makes no sense.
std::optional<Options> parse(int argc, char** argv);

extern const char* const usage;

}  // namespace sup::sim
