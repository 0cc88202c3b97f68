#include "tests/sim/campaign.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "tests/sim/seed.h"

namespace sup::sim {
namespace {

// The one thing that the handler of SIGABRT can know.
thread_local std::uint64_t running_seed = 0;

// Nothing here allocates or locks: signal-safety(7).
void tell_running_seed(int) {
    constexpr std::string_view before = "sup-sim: the core ended the program in seed ";
    std::array<char, 80> line{};
    std::memcpy(line.data(), before.data(), before.size());
    char* end = std::to_chars(line.data() + before.size(), line.data() + line.size() - 1, running_seed).ptr;
    *end++ = '\n';
    if (::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(end - line.data())) < 0) ::_exit(3);
}

void tell_last_steps(std::uint64_t seed, bool connections_only) {
    constexpr std::size_t kept = 60;
    std::deque<std::string> lines;
    Coverage ignored;
    run_seed(seed, ignored, connections_only, [&lines](const std::string& line) {
        lines.push_back(line);
        if (lines.size() > kept) lines.pop_front();
    });
    std::printf("the last steps of seed %ju:\n", static_cast<std::uintmax_t>(seed));
    for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
}

void tell(std::uint64_t seed, const Violation& violation) {
    std::printf("VIOLATED: %s\n  %s\n  seed %ju; replay it with: sup-sim --seed %ju --trace\n",
                to_string(violation.property), violation.detail.c_str(), static_cast<std::uintmax_t>(seed),
                static_cast<std::uintmax_t>(seed));
}

std::string story(std::uint64_t seed, bool connections_only) {
    std::string told;
    Coverage ignored;
    run_seed(seed, ignored, connections_only, [&told](const std::string& line) { told += line + '\n'; });
    return told;
}

bool tells_two_stories(std::uint64_t seed, bool connections_only) {
    return story(seed, connections_only) != story(seed, connections_only);
}

// So many visit everything several times over. The time does not stop them, or a slow machine would decide
// the test.
constexpr std::uint64_t seeds_for_coverage = 5000;

}  // namespace

void name_the_seed_at_abort() {
    struct sigaction action {};
    action.sa_handler = tell_running_seed;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    ::sigaction(SIGABRT, &action, nullptr);
}

void Campaign::run() {
    std::vector<std::thread> threads;
    for (std::uint64_t job = 1; job < options_.jobs; ++job) threads.emplace_back([this] { work(); });
    work();
    for (std::thread& thread : threads) thread.join();
}

void Campaign::work() {
    constexpr std::uint64_t told_twice = 1000;  // one seed in so many
    Coverage coverage;
    std::uint64_t seeds = 0;
    std::uint64_t events = 0;
    while (!over_) {
        const std::uint64_t seed = next_++;
        if (enough(seed - options_.first)) break;
        running_seed = seed;
        const Outcome outcome = run_seed(seed, coverage, options_.connections_only);
        ++seeds;
        events += outcome.events;
        if (outcome.violation) {
            note(seed, *outcome.violation);
        } else if (seed % told_twice == 1 && tells_two_stories(seed, options_.connections_only)) {
            note(seed, {Property::deterministic, "two runs of one seed tell different stories"});
        }
    }
    const std::lock_guard lock(mutex_);
    coverage_.merge(coverage);
    seeds_ += seeds;
    events_ += events;
}

bool Campaign::enough(std::uint64_t before) const {
    if (before >= options_.seeds) return true;
    if (options_.require_coverage && before < seeds_for_coverage) return false;
    return std::chrono::steady_clock::now() >= end_;
}

bool Campaign::expected(const Violation& violation) const {
    return !options_.expect_violation ||
           std::strstr(to_string(violation.property), options_.expect_violation->c_str()) != nullptr;
}

// The lowest seed that failed is the one to tell of. What is broken on purpose breaks other promises, too, in
// one seed or another: the one that is expected is looked for, and told of first.
void Campaign::note(std::uint64_t seed, const Violation& violation) {
    if (expected(violation)) over_ = true;
    const std::lock_guard lock(mutex_);
    if (violation_) {
        const bool better = expected(violation);
        const bool now = expected(*violation_);
        if (better != now ? now : failed_seed_ < seed) return;
    }
    violation_ = violation;
    failed_seed_ = seed;
}

int Campaign::conclude() const {
    std::printf("%ju seeds, %ju events\n", static_cast<std::uintmax_t>(seeds_),
                static_cast<std::uintmax_t>(events_));
    if (options_.expect_violation) return conclude_expected();
    if (violation_) {
        tell_last_steps(failed_seed_, options_.connections_only);
        tell(failed_seed_, *violation_);
        return 1;
    }
    if (options_.require_coverage) {
        std::fputs(coverage_.report().c_str(), stdout);
        const std::string missing = coverage_.missing();
        if (!missing.empty()) {
            std::printf("NOT VISITED:\n%s", missing.c_str());
            return 1;
        }
    }
    std::puts("all promises kept");
    return 0;
}

int Campaign::conclude_expected() const {
    if (!violation_) {
        std::puts("NOT CAUGHT: this broken core went through");
        return 1;
    }
    tell(failed_seed_, *violation_);
    if (expected(*violation_)) return 0;
    std::printf("caught, but not by the promise with the words \"%s\"\n", options_.expect_violation->c_str());
    return 1;
}

int replay(const Options& options) {
    running_seed = options.first;
    Coverage coverage;
    Trace trace;
    if (options.trace) trace = [](const std::string& line) { std::puts(line.c_str()); };
    const Outcome outcome = run_seed(options.first, coverage, options.connections_only, trace);
    if (outcome.violation) {
        tell(options.first, *outcome.violation);
        return 1;
    }
    std::printf("seed %ju: %ju events, all promises kept\n", static_cast<std::uintmax_t>(options.first),
                static_cast<std::uintmax_t>(outcome.events));
    return 0;
}

}  // namespace sup::sim
