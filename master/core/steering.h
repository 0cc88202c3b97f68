// Where new clients go, of a listener that has a socket for each slot (`reuseport`): to sockets whose worker
// accepts. One rule for promotions, rolling reloads, scaling, crashes and failures.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "master/core/action.h"
#include "master/core/ids.h"

namespace sup::core {

// Of one group of sockets at one address, by their places in it.
struct Steering {
    std::uint32_t homes = 1;      // clients are spread over the first so many; a client's is always the same
    std::vector<bool> accepting;  // whether a ready worker has the socket that was not told to leave

    friend bool operator==(const Steering&, const Steering&) = default;
};

// Of the group's sockets each generation has the first ones: `sockets` says how many. Its slots have them in
// turn. Nothing when nobody accepts: then clients stay where they went before, since whoever left last may
// still empty that queue.
std::optional<Steering> steer(const Serving& serving, const std::map<GenerationId, std::uint32_t>& sockets);

// The place of the socket that a client with this hash goes to: its home, or, where nobody accepts there,
// another one. So those whose home has a worker never move.
std::uint32_t socket_of(const Steering& steering, std::uint32_t hash);

}  // namespace sup::core
