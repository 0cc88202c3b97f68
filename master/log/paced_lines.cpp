#include "master/log/paced_lines.h"

#include <utility>

#include "common/count.h"

namespace sup {

PacedLines::PacedLines(uv_loop_t* loop, Duration pause, std::function<void(const std::string& line)> say)
    : pause_(pause), say_(std::move(say)), timer_(loop, [this] { pause_over(); }) {}

void PacedLines::add(const std::string& text) {
    const auto [entry, first] = again_.try_emplace(text, 0);
    if (!first) {
        ++entry->second;
        return;
    }
    say_(text);
    if (again_.size() == 1) timer_.arm(pause_);
}

void PacedLines::say_what_came_again() {
    for (const auto& [text, times] : again_) {
        if (times == 0) continue;
        say_(text + " (" + counted(times, "more time") + " in " + format_duration(pause_) + ")");
    }
}

void PacedLines::pause_over() {
    say_what_came_again();
    std::erase_if(again_, [](const auto& entry) { return entry.second == 0; });
    for (auto& [text, times] : again_) times = 0;
    if (!again_.empty()) timer_.arm(pause_);
}

void PacedLines::stop() {
    timer_.cancel();
    say_what_came_again();
    again_.clear();
}

}  // namespace sup
