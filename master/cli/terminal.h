// What is known of whom we print to.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sup::cli {

enum class Colour { none, bold, dim, red, green, yellow };

// Puts colours around text, or leaves it alone.
class Style {
public:
    explicit Style(bool colours) : colours_(colours) {}
    std::string operator()(Colour colour, std::string_view text) const;

private:
    bool colours_;
};

bool is_terminal(int fd);
// At a terminal that can erase a line: not one that TERM calls "dumb", or nothing.
bool can_draw(int fd);
// At a terminal that knows colours, unless NO_COLOR is set (https://no-color.org).
Style style_for(int fd);
// In characters; 80 when it is not known.
std::size_t terminal_width(int fd);

// In characters as a terminal shows them, taking each code point for one.
std::size_t display_width(std::string_view text);
// What could take over a terminal is written out (safe_text.h); a tab becomes a space, and line ends become
// what is given.
std::string harmless(std::string_view text, std::string_view line_end = " ");
// Cut to a width, with an ellipsis in place of what is missing.
std::string shortened(std::string_view text, std::size_t width);

// To stderr, harmless, prefixed "sup: "; further lines are indented.
void print_error(std::string_view message);
// To stdout, as it is. False: not all of it was written, which stderr has been told of unless the reader went
// away. A command that has nothing to give but this text has then failed.
bool print(std::string_view text);
// At once, without a buffer that a fork would double. The number of the error, or 0.
int write_text(int fd, std::string_view text);

}  // namespace sup::cli
