// What a person sees while a start, a reload or a stop is under way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "master/status/event.h"

namespace sup::cli {

// What the events have told so far. Pure.
class ProgressModel {
public:
    // One line for what has just changed; none for what a person need not see.
    std::optional<std::string> take(const status::Event& event);

private:
    struct Generation {
        std::string state;
        std::uint64_t count = 0;
        std::set<std::uint32_t> exited;  // slots, once it drains
    };
    using Line = std::optional<std::string>;

    Line tell(const status::GenerationEvent& event);
    Line tell(const status::WorkerEvent& event);
    Line tell(const status::WorkerReadyEvent& event);
    static Line tell(const status::RestartEvent& event);
    static Line tell(const status::ReloadWaitsEvent& event);
    static Line tell(const status::CountEvent&) { return std::nullopt; }
    static Line tell(const status::LogEvent&) { return std::nullopt; }

    std::map<std::uint32_t, Generation> generations_;
};

// What a person must not miss, in words; nothing for all other events.
std::optional<std::string> warning_in(const status::Event& event);

// Shows it: at a terminal that can draw one line that changes, with warnings above it, elsewhere plain lines.
class Progress {
public:
    enum class Mode { live, lines, silent };
    // For stdout, or for stderr when stdout is to hold nothing but JSON.
    static Progress on_stdout();
    static Progress beside_json();

    void take(const status::Event& event);
    // Clears the changing line, so that something else can be printed.
    void clear();

private:
    Progress(Mode mode, int fd) : mode_(mode), fd_(fd) {}

    Mode mode_;
    int fd_;
    bool shown_ = false;  // something is on the changing line
    ProgressModel model_;
};

}  // namespace sup::cli
