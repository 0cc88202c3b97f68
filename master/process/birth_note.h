// What a new process writes down about itself before it does anything else, so that it can be found even
// where the one who started it is killed before he knows that there is a process at all.
#pragma once

#include <cstddef>
#include <string>

namespace sup {

struct BirthNote {
    // Room for the two numbers in decimal, which are written from the left; the rest stays as it is.
    static constexpr std::size_t pid_room = 12;
    static constexpr std::size_t start_time_room = 20;

    int file = -1;  // written to at its position, in one write(2)
    std::string text;
    std::size_t pid_at = 0;
    std::size_t start_time_at = 0;  // field 22 of /proc/PID/stat
};

}  // namespace sup
