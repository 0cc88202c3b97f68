// What is wrong with a configuration file, said so that a person finds the place and knows what to write
// instead.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sup::config {

// A place in a text, both counted from 1; a column is a character (not a byte), a tab counts as one.
// Line 0: the file as a whole.
struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend auto operator<=>(const Position&, const Position&) = default;  // NOLINT(modernize-use-nullptr)
};

struct Problem {
    Position position;
    std::string pointer;  // JSON pointer (RFC 6901) of the key or value at fault; empty: the document
    std::string message;  // what was found and what was expected

    friend bool operator==(const Problem&, const Problem&) = default;
};

// All problems of one file, in the order of the file.
struct Problems {
    std::string file;  // as the person named it
    std::vector<Problem> list;
    std::size_t omitted = 0;  // how many more there were; the list is bounded

    friend bool operator==(const Problems&, const Problems&) = default;
};

// One line for each problem, separated by '\n', none at the end:
//     sup.json:3:14: /worker/count: expected a whole number from 1 to 4096 or "auto", found 0
// Control characters are escaped, so the text is safe to show on a terminal.
std::string to_text(const Problems& problems);
std::string to_text(const std::string& file, const Problem& problem);

}  // namespace sup::config
