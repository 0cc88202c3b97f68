#include "master/workers/left_behind.h"

#include <algorithm>
#include <utility>

namespace sup {
namespace {

bool lives(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

bool is_same(const ProcessStat& a, const ProcessStat& b) {
    return a.pid == b.pid && a.start_time == b.start_time;
}

}  // namespace

// Whoever has ended is forgotten, so that the list is as long as what is there.
void LeftBehindList::add(LeftBehind left) {
    std::erase_if(all_, [](const LeftBehind& one) { return !lives(one.process); });
    const auto known =
        std::ranges::find_if(all_, [&](const LeftBehind& one) { return is_same(one.process, left.process); });
    if (known == all_.end()) return all_.push_back(std::move(left));
    // What was nobody's may turn out to be somebody's, who then could not be ended.
    if (known->why == LeftBehind::Why::whose_unknown) *known = std::move(left);
}

bool LeftBehindList::contains(const ProcessStat& process) const {
    return std::ranges::any_of(all_, [&](const LeftBehind& one) { return is_same(one.process, process); });
}

bool LeftBehindList::is_out_of_reach(const ProcessStat& process) const {
    return std::ranges::any_of(all_, [&](const LeftBehind& one) {
        return one.why == LeftBehind::Why::out_of_reach && is_same(one.process, process);
    });
}

const char* LeftBehindList::words(LeftBehind::Why why) {
    switch (why) {
        case LeftBehind::Why::out_of_reach: return "which sup may not signal";
        case LeftBehind::Why::whose_unknown: return "whose worker is not known";
    }
    return "";
}

std::vector<status::LeftBehind> LeftBehindList::picture() const {
    std::vector<status::LeftBehind> list;
    for (const LeftBehind& one : all_) {
        if (!lives(one.process)) continue;
        list.push_back({.pid = one.process.pid,
                        .name = one.name,
                        .why = words(one.why),
                        .generation = static_cast<std::uint32_t>(one.generation),
                        .slot = one.slot,
                        .listeners = one.listeners});
    }
    return list;
}

}  // namespace sup
