// A text and the places in it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"

namespace sup::config {

class SourceText {
public:
    explicit SourceText(std::string_view text);

    std::string_view view() const noexcept { return text_; }

    // Where the byte at `offset` stands; the text's size is a valid offset. A line ends with "\n" (so "\r\n"
    // is one line end), a byte order mark takes no column, and a column counts one UTF-8 character.
    Position position(std::size_t offset) const;

    // From `offset` on, over white space and comments: the offset of the next token, or the text's size.
    // A comment that is not closed is not skipped.
    std::size_t skip_blanks(std::size_t offset) const noexcept;

    // Where the byte `at` of the string whose opening quote stands at `quote` is written: escapes are longer
    // than what they stand for.
    std::size_t offset_in_string(std::size_t quote, std::size_t at) const noexcept;

private:
    std::size_t skip_comment(std::size_t offset) const noexcept;

    std::string text_;
    std::vector<std::size_t> line_starts_;
};

}  // namespace sup::config
