// The memory in which the services of one worker hold what clients have not taken yet.
#pragma once

#include <cstddef>

namespace sup::worker {

// Belongs to the loop's thread.
struct MemoryUse {
    std::size_t bytes = 0;
    std::size_t holders = 0;  // connections that have some of them
};

}  // namespace sup::worker
