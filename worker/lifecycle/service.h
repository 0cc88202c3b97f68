// A protocol that is served on some of a worker's listeners, as the worker's life sees it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/duration.h"
#include "common/unique_fd.h"
#include "sup/connections.h"

namespace sup::worker {

// How a connection ended.
enum class Ended {
    in_order,     // after its last answer, or by the client
    at_deadline,  // closed because the time was up
    handed_over,  // it goes on elsewhere
    upgraded,     // it goes on in this worker, with another service
};

// Where a connection comes from.
enum class From { listener, inbox, upgrade };

struct Arrival {
    const std::string& listener;  // outlives the service
    From from = From::listener;
    // Read from the client before it came here, and to be used as if it had just been read.
    std::string_view unread = {};
    // What the worker that it comes from said of it, in which version of what is spoken. Valid during the
    // call, as `unread`.
    std::string_view state = {};
    unsigned version = 1;
};

class Service {
public:
    virtual ~Service() = default;

    // What other workers must know when they hand over connections, or take them.
    virtual const Spoken& spoken() const = 0;

    // A connected socket; the service owns it now, and calls Core::connection_opened(), and
    // Core::connection_closed() after closing it.
    virtual void take(UniqueFd connection, const Arrival& arrival) = 0;
    virtual std::size_t open_connections() const = 0;
    // Those among them that were ended, and wait for nothing but the client's end.
    virtual std::size_t ended_connections() const { return 0; }

    // The drain has begun: finish what is in flight. Connections that Core::moves_on() then go to
    // Core::hand_over() at the next boundary between messages; others end after their next answer.
    virtual void drain() = 0;
    // There is somebody to hand over to, or room again: hand over what is at a boundary.
    virtual void hand_over() = 0;
    // Offer Core::put_back() up to so many connections on which nothing is going on; returns how many it
    // took.
    virtual std::size_t put_back(std::size_t count) = 0;
    // Nobody will take over: connections on which nothing is going on end now, and the others once nothing
    // is.
    virtual void close_idle() = 0;
    // The time is up: end everything cleanly, waiting no longer than `left` for the clients.
    virtual void close_all(Duration left) = 0;
    // Newcomers want room: cleanly end up to this many connections on which nothing is going on, starting
    // with those that have waited longest. Returns how many were ended.
    virtual std::size_t make_room(std::size_t count) = 0;
};

}  // namespace sup::worker
