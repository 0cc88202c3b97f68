// sup-shell-sim: lives of an instance, its core and its shell, on a kernel that fails.
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "common/uv.h"
#include "tests/shell/kernel.h"
#include "tests/shell/life.h"

namespace sup::shell {
namespace {

constexpr const char* usage =
    "usage: sup-shell-sim [--seeds N] [--seconds S] [--first SEED]\n"
    "       sup-shell-sim --seed SEED [--trace]\n"
    "Lives seeds from the first on until their number or the time is used up, or replays one.\n";

struct Options {
    std::uint64_t first = 1;
    std::uint64_t seeds = 1'000;
    std::uint64_t seconds = 3'600;
    bool trace = false;
};

std::optional<Options> parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--trace") {
            options.trace = true;
            continue;
        }
        if (++i == argc) return std::nullopt;
        std::uint64_t value = 0;
        const std::string_view text = argv[i];
        if (std::from_chars(text.data(), text.data() + text.size(), value).ptr != text.data() + text.size())
            return std::nullopt;
        if (option == "--seed") options.seeds = 1;
        if (option == "--seed" || option == "--first")
            options.first = value;
        else if (option == "--seeds")
            options.seeds = value;
        else if (option == "--seconds")
            options.seconds = value;
        else
            return std::nullopt;
    }
    return options;
}

// What a failure tells.
struct Story {
    std::uint64_t seed = 0;
    std::string folder;
    std::deque<std::string> last_lines;
};

Story& story() {
    static Story told;
    return told;
}

void tell_story(const char* what) {
    constexpr const char* log = "/a.log";
    std::printf("the last steps of seed %ju:\n", static_cast<std::uintmax_t>(story().seed));
    for (const std::string& line : story().last_lines) std::printf("  %s\n", line.c_str());
    std::printf("the log:\n");
    std::ifstream file(story().folder + log);
    std::deque<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
        if (lines.size() > 15) lines.pop_front();
    }
    for (const std::string& line : lines) std::printf("  %s\n", line.c_str());
    std::printf("VIOLATED: %s\n  seed %ju; replay it with: sup-shell-sim --seed %ju --trace\n", what,
                static_cast<std::uintmax_t>(story().seed), static_cast<std::uintmax_t>(story().seed));
    std::fflush(stdout);
    std::error_code ignored;
    std::filesystem::remove_all(story().folder, ignored);
}

void aborted(int /*signal*/) {
    set_kernel(nullptr);
    tell_story("the master ended itself");
    ::_exit(3);
}

std::uint64_t seconds_gone() {
    timespec now{};
    real(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec);
}

int run(const Options& options) {
    const bool in_memory = ::access("/dev/shm", W_OK) == 0;  // faster
    const std::filesystem::path above = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string folder = (above / "shell-sim.XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) return 2;
    story().folder = folder;
    const auto trace = [&](const std::string& line) {
        constexpr std::size_t kept = 60;
        if (options.trace) std::printf("%s\n", line.c_str());
        story().last_lines.push_back(line);
        if (story().last_lines.size() > kept) story().last_lines.pop_front();
    };
    const uv::Loop first;  // what libuv keeps for ever is there from now on
    const std::uint64_t end = seconds_gone() + options.seconds;
    Lived all;
    std::uint64_t seed = options.first;
    for (; seed < options.first + options.seeds && seconds_gone() < end; ++seed) {
        constexpr std::uint64_t told_twice = 50;
        story().seed = seed;
        story().last_lines.clear();
        const Lived one = live(seed, folder, trace);
        if (seed % told_twice == 0 && live(seed, folder, trace).story != one.story)
            fail("the same seed tells two stories");
        all.steps += one.steps;
        all.clients += one.clients;
    }
    std::filesystem::remove_all(folder);
    std::printf("%ju seeds, %ju steps, %ju clients served\n",
                static_cast<std::uintmax_t>(seed - options.first), static_cast<std::uintmax_t>(all.steps),
                static_cast<std::uintmax_t>(all.clients));
    return 0;
}

}  // namespace

void fail(const std::string& what) {
    set_kernel(nullptr);
    tell_story(what.c_str());
    ::_exit(1);
}

}  // namespace sup::shell

int main(int argc, char** argv) {
    const auto options = sup::shell::parse(argc, argv);
    if (!options) {
        std::fputs(sup::shell::usage, stderr);
        return 2;
    }
    ::signal(SIGABRT, sup::shell::aborted);
    return sup::shell::run(*options);
}
