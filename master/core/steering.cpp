#include "master/core/steering.h"

#include <algorithm>
#include <cstddef>

namespace sup::core {
namespace {

using SocketCounts = std::map<GenerationId, std::uint32_t>;

std::vector<bool> accepting_sockets(const Serving& serving, const SocketCounts& sockets) {
    std::vector<bool> accepting;
    for (const ServingGeneration& generation : serving) {
        const auto has = sockets.find(generation.generation);
        if (has == sockets.end()) continue;
        for (const Slot slot : generation.accepting) {
            const std::size_t socket = slot % has->second;
            if (socket >= accepting.size()) accepting.resize(socket + 1);
            accepting[socket] = true;
        }
    }
    return accepting;
}

// The active generation's slots; without one that has the group, the newest's that has it.
std::uint32_t homes(const Serving& serving, const SocketCounts& sockets) {
    std::uint32_t newest = 0;
    for (const ServingGeneration& generation : serving) {
        const auto has = sockets.find(generation.generation);
        if (has == sockets.end()) continue;
        const std::uint32_t count = std::min(generation.slots, has->second);
        if (generation.state == GenerationState::active) return count;
        if (newest == 0) newest = count;
    }
    return newest;
}

}  // namespace

std::optional<Steering> steer(const Serving& serving, const SocketCounts& sockets) {
    Steering steering{.homes = homes(serving, sockets), .accepting = accepting_sockets(serving, sockets)};
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
