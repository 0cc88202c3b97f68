// What is wrong with a text that is not JSON, in words for a person.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/source_text.h"

namespace sup::config {

// All that is known where nlohmann's parser gave up. Offsets are into the text.
struct ParserFailure {
    std::size_t end_of_last = 0;          // the end of the last good token, not counting ',' and ':'
    std::size_t reached = 0;              // the end of what the parser has read
    std::optional<std::size_t> unclosed;  // the begin of the innermost object or array that is open
    std::string_view what;                // the message of the parser's exception

    bool says(std::string_view words) const { return what.find(words) != what.npos; }
};

struct SyntaxError {
    std::size_t offset = 0;
    std::string message;
};

SyntaxError explain_syntax_error(const SourceText& text, ParserFailure failure);

}  // namespace sup::config
