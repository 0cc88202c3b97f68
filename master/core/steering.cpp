#include "master/core/steering.h"

#include <algorithm>
#include <cstddef>

namespace sup::core {
namespace {

using SocketCounts = std::map<GenerationId, std::uint32_t>;

std::vector<bool> accepting_sockets(const View& view, const SocketCounts& sockets) {
    std::vector<bool> accepting;
    for (const GenerationView& generation : view.generations) {
        const auto has = sockets.find(generation.generation);
        if (has == sockets.end()) continue;
        for (const WorkerView& worker : generation.workers) {
            if (worker.state != WorkerState::ready) continue;
            const std::size_t socket = worker.slot % has->second;
            if (socket >= accepting.size()) accepting.resize(socket + 1);
            accepting[socket] = true;
        }
    }
    return accepting;
}

// The active generation's slots; without one that has the group, the newest's that has it.
std::uint32_t homes(const View& view, const SocketCounts& sockets) {
    std::uint32_t newest = 0;
    for (const GenerationView& generation : view.generations) {
        const auto has = sockets.find(generation.generation);
        if (has == sockets.end()) continue;
        const std::uint32_t count = std::min(generation.count, has->second);
        if (generation.state == GenerationState::active) return count;
        if (newest == 0) newest = count;
    }
    return newest;
}

}  // namespace

std::optional<Steering> steer(const View& view, const SocketCounts& sockets) {
    Steering steering{.homes = homes(view, sockets), .accepting = accepting_sockets(view, sockets)};
    if (steering.accepting.empty()) return std::nullopt;
    return steering;
}

std::uint32_t socket_of(const Steering& steering, std::uint32_t hash) {
    const std::uint32_t home = hash % steering.homes;
    if (home < steering.accepting.size() && steering.accepting[home]) return home;
    auto others = static_cast<std::uint32_t>(std::ranges::count(steering.accepting, true));
    std::uint32_t choice = hash / steering.homes % others;
    for (std::uint32_t socket = 0;; ++socket) {
        if (steering.accepting[socket] && choice-- == 0) return socket;
    }
}

}  // namespace sup::core
