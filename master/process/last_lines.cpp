#include "master/process/last_lines.h"

#include "common/safe_text.h"

namespace sup {

void LastLines::add(std::string_view line) {
    lines_.push_back(safe_text(line, max_bytes));
    bytes_ += lines_.back().size();
    while (lines_.size() > max_lines || bytes_ > max_bytes) {
        bytes_ -= lines_.front().size();
        lines_.pop_front();
    }
}

}  // namespace sup
