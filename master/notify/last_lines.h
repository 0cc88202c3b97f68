// The last words of a worker, to explain why it failed.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sup {

// Keeps the newest lines, at most max_lines of them and max_bytes together; a longer line is cut.
class LastLines {
public:
    static constexpr std::size_t max_lines = 20;
    static constexpr std::size_t max_bytes = std::size_t{16} * 1024;

    void add(std::string_view line);
    std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

private:
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
};

}  // namespace sup
