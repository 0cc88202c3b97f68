// The worker library's few words to the operator, on stderr; a supervisor captures them.
#pragma once

#include <string_view>

namespace sup::worker {

// Writes "PROGRAM: TEXT" and a line end, in one piece.
void log_line(std::string_view text);

}  // namespace sup::worker
