// Where the new clients of a listener with a socket for each slot (`reuseport`) go: to sockets whose worker
// accepts. One rule for promotions, rolling reloads, scaling, crashes and failures.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "master/core/action.h"
#include "master/core/ids.h"

namespace sup::core {

// For one group of sockets at one address, by their places in it.
struct Steering {
    std::uint32_t homes = 1;      // clients are spread over this many first places, always the same way
    std::vector<bool> accepting;  // whether the socket has a ready worker that was not told to leave

    friend bool operator==(const Steering&, const Steering&) = default;
};

// Each generation has the first sockets of the group: `sockets` says how many. They are dealt to its slots in
// turn. Nothing when nobody accepts: then clients go where they went before, since the worker that left last
// may still empty that queue.
std::optional<Steering> steer(const Serving& serving, const std::map<GenerationId, std::uint32_t>& sockets);

// The place of the socket that a client with this hash goes to: its home, or, where nobody accepts there,
// another one. So those whose home has a worker never move.
std::uint32_t socket_of(const Steering& steering, std::uint32_t hash);

}  // namespace sup::core
