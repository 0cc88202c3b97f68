#include "master/left_behind.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace sup {
namespace {

bool lives(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

}  // namespace

void LeftBehindList::add(LeftBehind left) {
    const auto is_same = [&](const LeftBehind& other) {
        return other.process.pid == left.process.pid && other.process.start_time == left.process.start_time;
    };
    if (std::ranges::none_of(all_, is_same)) all_.push_back(std::move(left));
}

nlohmann::json LeftBehindList::to_json() const {
    auto list = nlohmann::json::array();
    for (const LeftBehind& one : all_) {
        if (!lives(one.process)) continue;
        list.push_back({{"pid", one.process.pid},
                        {"name", one.name},
                        {"generation", static_cast<std::uint32_t>(one.generation)},
                        {"slot", one.slot},
                        {"listeners", one.listeners}});
    }
    return list;
}

}  // namespace sup
