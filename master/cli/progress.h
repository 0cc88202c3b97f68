// What a person sees while a start, a reload or a stop is under way.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

namespace sup::cli {

// What the events have told so far. Pure.
class ProgressModel {
public:
    // One line for what has just changed; none for what a person need not see.
    std::optional<std::string> take(const nlohmann::json& event);

private:
    struct Generation {
        std::string state;
        std::int64_t count = 0;
        std::set<std::int64_t> exited;  // slots, once it drains
    };

    std::optional<std::string> generation_changed(const nlohmann::json& event);
    std::optional<std::string> worker_changed(const nlohmann::json& event);
    std::optional<std::string> worker_ready(const nlohmann::json& event);

    std::map<std::int64_t, Generation> generations_;
};

// What a person must not miss, in words; nothing for all other events.
std::optional<std::string> warning_in(const nlohmann::json& event);

// Shows it: at a terminal that can draw one line that changes, with warnings above it, elsewhere plain lines.
class Progress {
public:
    enum class Mode { live, lines, silent };
    // For stdout, or for stderr when stdout is to hold nothing but JSON.
    static Progress on_stdout();
    static Progress beside_json();

    void take(const nlohmann::json& event);
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
