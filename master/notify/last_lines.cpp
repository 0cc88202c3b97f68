#include "master/notify/last_lines.h"

#include <utility>

#include "common/safe_text.h"

namespace sup {

void LastLines::add(std::string_view line) {
    std::string kept;
    if (lines_.size() == max_lines) {  // its memory serves the next: of a flood each line comes here
        kept = std::move(lines_.front());
        bytes_ -= kept.size();
        lines_.pop_front();
    }
    if (line.size() <= max_bytes)
        kept.assign(line);
    else
        kept = safe_text(line, max_bytes);
    lines_.push_back(std::move(kept));
    bytes_ += lines_.back().size();
    while (lines_.size() > max_lines || bytes_ > max_bytes) {
        bytes_ -= lines_.front().size();
        lines_.pop_front();
    }
}

}  // namespace sup
