// A protocol that is served on some of a worker's listeners, as the worker's life sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "common/duration.h"
#include "common/unique_fd.h"

namespace sup::worker {

// How the connections that were open during a drain have ended.
struct DrainCounts {
    std::uint64_t in_order = 0;     // after their last answer, or by the client
    std::uint64_t at_deadline = 0;  // closed because the time was up

    DrainCounts& operator+=(const DrainCounts& other) {
        in_order += other.in_order;
        at_deadline += other.at_deadline;
        return *this;
    }
};

class Service {
public:
    virtual ~Service() = default;

    // A connected socket, non-blocking; the service owns it now, and calls Core::connection_closed() after
    // closing it.
    virtual void take(UniqueFd connection) = 0;
    virtual std::size_t open_connections() const = 0;

    // The drain has begun: finish what is in flight, and let each connection end after its next answer.
    virtual void drain() = 0;
    // Nobody will take over: connections on which nothing is going on end now, and the others once nothing
    // is.
    virtual void close_idle() = 0;
    // The time is up: end everything in order, waiting no longer than `left` for the clients.
    virtual void close_all(Duration left) = 0;
    virtual DrainCounts drain_counts() const = 0;
};

}  // namespace sup::worker
