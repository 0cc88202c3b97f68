#include "tests/sim/options.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <thread>

namespace sup::sim {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::uint64_t* place_for(Options& options, std::string_view option) {
    if (option == "--seed" || option == "--first") return &options.first;
    if (option == "--seeds") return &options.seeds;
    if (option == "--seconds") return &options.seconds;
    if (option == "--jobs") return &options.jobs;
    return nullptr;
}

}  // namespace

const char* const usage =
    "usage: sup-sim [--seeds N] [--seconds S] [--first SEED] [--jobs N] [--require-coverage]\n"
    "               [--connections-only] [--expect-violation WORDS]\n"
    "       sup-sim --seed SEED [--trace] [--connections-only]\n"
    "Runs seeds from the first on until their number or the time is used up, or replays one.\n"
    "  --require-coverage        fail when something reachable was never visited, and print what was;\n"
    "                            runs 1000 seeds at the least\n"
    "  --connections-only        for broken cores: overlook who is offered which inbox; what becomes of the\n"
    "                            connections must show it\n"
    "  --expect-violation WORDS  for broken cores: fail unless the promise with these words breaks\n";

std::optional<Options> parse(int argc, char** argv) {
    Options options;
    options.jobs = std::max(1U, std::thread::hardware_concurrency());
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--trace") {
            options.trace = true;
        } else if (option == "--require-coverage") {
            options.require_coverage = true;
        } else if (option == "--connections-only") {
            options.connections_only = true;
        } else if (++i == argc) {
            return std::nullopt;
        } else if (option == "--expect-violation") {
            options.expect_violation = argv[i];
        } else {
            std::uint64_t* place = place_for(options, option);
            const auto value = number(argv[i]);
            if (place == nullptr || !value) return std::nullopt;
            *place = *value;
            options.one = options.one || option == "--seed";
        }
    }
    options.jobs = std::clamp<std::uint64_t>(options.jobs, 1, 64);
    return options;
}

}  // namespace sup::sim
