// Lines that could come thousands of times in a second: the first at once, then how often.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/duration.h"
#include "common/uv.h"

namespace sup {

class PacedLines {
public:
    // `say` gets each line that is to be written. Between two with the same text `pause` passes.
    PacedLines(uv_loop_t* loop, Duration pause, std::function<void(const std::string& line)> say);

    // "TEXT" at once; what comes again within the pause is counted, and said at its end: "TEXT (2000 more
    // times in 10s)".
    void add(const std::string& text);
    // What was counted is said now; nothing comes of itself any more.
    void stop();

private:
    void say_what_came_again();
    void pause_over();

    Duration pause_;
    std::function<void(const std::string& line)> say_;
    std::map<std::string, std::uint64_t> again_;  // how often since it was said
    uv::Timer timer_;
};

}  // namespace sup
