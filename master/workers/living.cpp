#include "master/workers/living.h"

namespace sup {

LeftBehind::Process left_process(const ProcessStat& process) {
    return {process.pid, process.start_time};
}

bool has_ended(const LeftBehind::Process& process) {
    const auto now = process_stat(process.pid);
    return !now || now->ended || now->start_time != process.start_time;
}

std::vector<status::LeftBehind> living(const LeftBehindList& list) {
    std::vector<status::LeftBehind> pictures;
    for (const LeftBehind& one : list.all()) {
        if (has_ended(one.process)) continue;
        pictures.push_back({.pid = one.process.pid,
                            .name = one.name,
                            .why = to_string(one.why),
                            .generation = static_cast<std::uint32_t>(one.generation),
                            .slot = one.slot,
                            .listeners = one.listeners});
    }
    return pictures;
}

}  // namespace sup
