// Whether this worker has more connections than its peers, by the scoreboard. DESIGN.md, "Fair sharing", says
// why these numbers.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "worker/lifecycle/counters.h"

namespace sup::worker {

class Balance {
public:
    Balance(uv_loop_t* loop, const Counters& counters) : loop_(loop), counters_(counters) {}

    // Clearly more than a peer that accepts: leave what is queued to the peers, for a moment.
    bool above_peers();
    // So many more that some idle connections are better put back: how many.
    std::size_t excess();

private:
    std::optional<std::uint64_t> least_loaded_peer();
    void find_peers(std::size_t rows);

    uv_loop_t* loop_;
    const Counters& counters_;
    std::vector<std::size_t> peers_;  // rows that were accepting when last looked at all
    std::optional<std::uint64_t> looked_at_;
};

}  // namespace sup::worker
