#include "master/left_behind.h"

#include <nlohmann/json.hpp>

namespace sup {
namespace {

bool lives(const ProcessStat& process) {
    const auto now = process_stat(process.pid);
    return now && !now->ended && now->start_time == process.start_time;
}

}  // namespace

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
