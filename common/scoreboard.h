// The scoreboard: a table in shared memory in which the workers of a generation keep their counters, one
// cache line each. Written by workers, read by their peers and by the master, all without system calls. A
// reader treats what it finds as untrusted numbers: nothing is ever addressed, sized or waited for by them.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

// One worker's row. All accesses are relaxed: each counter is exact by itself, and no order holds between
// them.
struct alignas(64) ScoreboardRow {
    std::atomic<std::uint64_t> accepting;    // 1 while the worker takes new connections; 0: free, or draining
    std::atomic<std::uint64_t> connections;  // open now
    std::atomic<std::uint64_t> requests;     // since the worker's start, as all that follow
    std::atomic<std::uint64_t> accepts;      // from listeners
    std::atomic<std::uint64_t> taken;        // from the inbox
    std::atomic<std::uint64_t> handed_over;  // into an inbox
    std::atomic<std::uint64_t> drained;      // ended cleanly while draining
    std::atomic<std::uint64_t> closed;       // closed at the drain deadline
};
static_assert(sizeof(ScoreboardRow) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

// What a reader takes a counter for, whatever a worker has written: no more than every reader of JSON holds
// exactly, and small enough that a few of them can be added without a thought.
inline constexpr std::uint64_t largest_count = (std::uint64_t{1} << 53) - 1;
inline std::uint64_t read_count(const std::atomic<std::uint64_t>& counter) {
    return std::min(counter.load(std::memory_order_relaxed), largest_count);
}

// A mapping of the whole table. Rows keep their address as long as it lives.
class Scoreboard {
public:
    static constexpr std::size_t rows_of_a_generation = 1024;

    // The master's: a new table of zeros in a memfd, sealed against shrinking and growing, because a worker
    // that truncated it would end every reader by SIGBUS.
    static Result<Scoreboard> create(std::size_t rows);
    // A worker's: maps what came with the `scoreboard` packet. Refuses a descriptor that is not sealed so.
    static Result<Scoreboard> map(UniqueFd memfd);

    Scoreboard(Scoreboard&& other) noexcept;
    Scoreboard& operator=(Scoreboard&& other) noexcept;
    ~Scoreboard();

    int fd() const noexcept { return memfd_.get(); }
    std::size_t size() const noexcept { return size_; }
    // `index` < size().
    ScoreboardRow& row(std::size_t index) const;
    void clear(std::size_t index) const;

private:
    Scoreboard(UniqueFd memfd, void* address, std::size_t rows);
    static Result<Scoreboard> map_rows(UniqueFd memfd, std::size_t rows);
    void unmap() noexcept;

    UniqueFd memfd_;
    ScoreboardRow* rows_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace sup
