// The memory in which the services of one worker hold what clients have not taken yet.
#pragma once

#include <cstddef>
#include <set>

namespace sup::worker {

// In bytes. Belongs to the loop's thread.
class MemoryUse {
public:
    // One who holds some of it has so much now.
    void changed(std::size_t before, std::size_t now) {
        bytes_ += now - before;
        if (before == 0) ++holders_;
        if (now == 0) --holders_;
        if (before >= large) large_.erase(large_.find(before));
        if (now >= large) large_.insert(now);
    }
    std::size_t bytes() const { return bytes_; }
    // How many have some.
    std::size_t holders() const { return holders_; }
    // What the one has who has most; 0 where that is little.
    std::size_t largest() const { return large_.empty() ? 0 : *large_.rbegin(); }

private:
    static constexpr std::size_t large = 128 * 1024UL;

    std::size_t bytes_ = 0;
    std::size_t holders_ = 0;
    std::multiset<std::size_t> large_;
};

}  // namespace sup::worker
