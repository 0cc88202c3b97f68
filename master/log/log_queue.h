// Lines of a log on their way to a reader that may be slow. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace sup {

enum class LineOf { master, worker };

// The master's own lines overtake those of workers, but never in the middle of a line.
class LogQueue {
public:
    // One whole line, with its end.
    void add(std::string_view line, LineOf whose);
    bool empty() const { return own_.bytes == 0 && workers_.bytes == 0; }
    std::size_t bytes(LineOf whose) const { return part(whose).bytes; }

    // What is to be written next; ends with a whole line. Valid until the next change. REQUIRES: not empty.
    std::string_view front() const;
    // This much of front() was written.
    void took(std::size_t bytes);
    // How much of the line at the front was written.
    std::size_t begun() const;
    // As if nothing of the line at the front had been written.
    void begin_line_again();
    // Forgets everything, except, if wanted, the rest of a line that was partly written. How many lines were
    // forgotten.
    std::uint64_t discard(bool keep_begun);

private:
    // Lines in blocks; `done` bytes of the first block were written.
    struct Part {
        std::deque<std::string> blocks;
        std::size_t done = 0;
        std::size_t bytes = 0;

        void add(std::string_view line);
        std::string_view rest() const { return std::string_view(blocks.front()).substr(done); }
        std::size_t begun() const;
        void took(std::size_t count);
        std::uint64_t lines() const;
    };
    const Part& part(LineOf whose) const { return whose == LineOf::master ? own_ : workers_; }
    // Whose line comes next.
    LineOf next() const;
    Part& part(LineOf whose) { return whose == LineOf::master ? own_ : workers_; }

    Part own_;
    Part workers_;
};

}  // namespace sup
