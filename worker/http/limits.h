// Sizes that nobody needs to set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/duration.h"

namespace sup::http {

// A body that nobody asked for is read over up to this size, to keep the connection.
inline constexpr std::uint64_t discard_limit = 64 * 1024UL;
// What is kept of later requests while one is being answered; one read may go beyond it, but never beyond
// what can travel with the connection when it is handed over (wire::max_unconsumed).
inline constexpr std::size_t read_ahead = 16 * 1024UL;
// A piece of an answer from this size on is sent from where it lies, and only what does not fit is copied.
inline constexpr std::size_t large_piece = 16 * 1024UL;
// How much of a file is sent before others have their turn.
inline constexpr std::size_t file_turn = 2 * 1024 * 1024UL;
// What a client still sends after its last answer is read and dropped up to here: more than the buffers of
// both kernels hold (tcp(7), tcp_rmem and tcp_wmem), for all of that is on its way when the answer comes.
inline constexpr std::size_t linger_limit = 64 * 1024 * 1024UL;

// Each time this much has come, the client gets linger_timeout again: one that still uploads, that is, and
// not one that sends a byte now and then.
inline constexpr std::size_t linger_step = 64 * 1024UL;

// Once output_budget is used up, an answer of more than its part that nobody takes for so long is cut …
inline constexpr Duration pressure_patience{1'000};
// … and while nothing new is begun also one of which its client takes less than such a part in that time.
inline constexpr std::size_t pressure_parts = 64;
// Once answers have taken so much memory, what the allocator has kept of it is given back afterwards
// (malloc_trim(3)).
inline constexpr std::size_t trims_from = 16 * 1024 * 1024UL;

}  // namespace sup::http
