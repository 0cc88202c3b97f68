#include "master/ledger/left_behind.h"

#include <algorithm>
#include <utility>

namespace sup {

void LeftBehindList::add(LeftBehind left) {
    const auto known = std::ranges::find(all_, left.process, &LeftBehind::process);
    if (known == all_.end()) return all_.push_back(std::move(left));
    // What was nobody's may turn out to be somebody's, who then could not be ended.
    if (known->why == LeftBehind::Why::whose_unknown) *known = std::move(left);
}

bool LeftBehindList::contains(const LeftBehind::Process& process) const {
    return std::ranges::find(all_, process, &LeftBehind::process) != all_.end();
}

bool LeftBehindList::is_out_of_reach(const LeftBehind::Process& process) const {
    return std::ranges::any_of(all_, [&](const LeftBehind& one) {
        return one.why == LeftBehind::Why::out_of_reach && one.process == process;
    });
}

void LeftBehindList::forget(const std::function<bool(const LeftBehind::Process&)>& has_ended) {
    std::erase_if(all_, [&](const LeftBehind& one) { return has_ended(one.process); });
}

const char* to_string(LeftBehind::Why why) {
    switch (why) {
        case LeftBehind::Why::out_of_reach: return "which sup may not signal";
        case LeftBehind::Why::whose_unknown: return "whose worker is not known";
    }
    return "";
}

}  // namespace sup
