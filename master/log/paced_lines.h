// For lines that could come thousands of times a second: writes the first at once, and later how many came.
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
    // `say` gets each line that is to be written. At least `pause` passes between two with the same text.
    PacedLines(uv_loop_t* loop, Duration pause, std::function<void(const std::string& line)> say);

    // "TEXT" at once; repetitions within the pause are counted, and reported at its end: "TEXT (2000 more
    // times in 10s)".
    void add(const std::string& text);
    // Reports now what was counted; nothing is reported by itself any more.
    void stop();

private:
    void say_what_came_again();
    void pause_over();

    Duration pause_;
    std::function<void(const std::string& line)> say_;
    std::map<std::string, std::uint64_t> again_;  // how often since it was written
    uv::Timer timer_;
};

}  // namespace sup
