// Deadlines that all lie equally far ahead, so that the order of arming is the order of falling due.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tests/bench/load/clock.h"

namespace sup::bench {

// One deadline a client at the most. Everything takes constant time; nothing is allocated after construction.
class Deadlines {
public:
    Deadlines(std::size_t clients, Span delay);

    // Due `delay` after `from`, which must not lie before the `from` of any deadline armed earlier. Replaces
    // the client's own earlier deadline.
    void arm(std::uint32_t client, Time from) noexcept;
    void cancel(std::uint32_t client) noexcept;

    std::optional<Time> next() const noexcept;
    // The client whose deadline is the earliest, if that has passed; its deadline is gone then.
    std::optional<std::uint32_t> pop(Time now) noexcept;
    Time due(std::uint32_t client) const noexcept { return links_[client].due; }

private:
    struct Link {
        std::uint32_t before;
        std::uint32_t after;
        Time due;
    };

    std::uint32_t end() const noexcept { return static_cast<std::uint32_t>(links_.size() - 1); }

    Span delay_;
    std::vector<Link> links_;  // a ring through its last element; a client that is not armed links to itself
};

}  // namespace sup::bench
