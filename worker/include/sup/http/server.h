// An HTTP/1.1 server on a worker's listeners.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sup/http/finished.h"
#include "sup/http/request.h"
#include "sup/http/response.h"

namespace sup::worker {
class Worker;
}

namespace sup::http {

// Called in the loop's thread when a request's head has arrived. Answer at once, or keep a copy of the
// response and answer later; the connection's next request waits until then. Must not block. What it or
// a callback of its request throws is reported on stderr; if no answer was begun, 500 is sent, else it is
// cut.
using Handler = std::function<void(Request& request, Response response)>;

struct Options {
    // Which of the worker's stream listeners to serve, by name; empty: all of them.
    std::vector<std::string> listeners = {};

    std::size_t max_head_bytes = 64 * 1024UL;  // request line and headers; beyond: 431, or 414
    std::size_t max_headers = 100;             // beyond: 431
    // Above this, write() returns false, and nothing more is read from the client.
    std::size_t output_high_water = 256 * 1024UL;
    // How much memory the answers to all clients of the worker, of all servers together, may take while they
    // wait to be sent; 0: as much as there is. Above it, write() returns false for every answer that waits,
    // and nothing more is read from their clients. An answer that waits with more than output_high_water and
    // more than its share (the budget divided by the number of waiting answers) is cut when its client takes
    // nothing for a second; the largest first. Above twice the budget, not counting the largest answer, no
    // request is begun, and such an answer is also cut when its client takes nothing in its first half
    // second, or less than 1/64 of it in a second; if there is no such answer, smaller ones of which nothing
    // was taken for a second are cut. So memory is bounded by twice the budget, the largest answer, and what
    // the handlers that are running then still send. Files (sendfile) take none of it.
    std::size_t output_budget = 64 * 1024 * 1024UL;

    // For these times 0 means no limit, except for linger_timeout, where it means no time at all. A negative
    // one is logged and treated as 0.

    // From a head's first byte to its end; then 408. Also from a new connection's start to its first byte,
    // unless idle_timeout is shorter; the connection is then closed cleanly.
    std::chrono::milliseconds header_timeout{30'000};
    // A body that stops coming (408), or an answer that is not taken (cut).
    std::chrono::milliseconds stall_timeout{60'000};
    // In bytes per second, over each stall_timeout: a client that sends its body or takes its answer more
    // slowly counts as stalled. The framing of a body (chunk sizes, extensions, trailers) does not count. Set
    // it to 0 for bodies that are meant to trickle: one byte in each stall_timeout is then enough.
    std::size_t min_body_rate = 240;
    // Between requests, and before the first; the connection is then closed cleanly. Empty lines are not a
    // request. When descriptors are short, or worker::Options::max_connections are open, those that have been
    // idle longest are closed earlier for newcomers.
    std::chrono::milliseconds idle_timeout{75'000};
    // How long a connection that was ended waits for the client to close, and again for each 64 KiB that the
    // client still sends, up to 64 MiB, for example when an upload was refused. A reset would cost it the
    // answer.
    std::chrono::milliseconds linger_timeout{2'000};

    // Called for each request once nothing more is to be done for it, for example for an access log. Runs in
    // the loop's thread; must not block. What it throws is reported on stderr.
    std::function<void(const Finished&)> on_finished = {};
};

class ServerCore;

class Server {
public:
    // The worker must outlive the server. Serving begins with Worker::run(). Must not be destroyed by its own
    // handler or a callback of its requests.
    Server(worker::Worker& worker, Handler handler, Options options = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::size_t connections() const;  // open now
    std::uint64_t requests() const;   // answered, or being answered, since the start
    // Those that got no whole answer: the client left, the handler gave up, the request broke off when its
    // answer had begun, or the drain's time was up. A refusal (408, 413, 400) is an answer.
    std::uint64_t unanswered() const;

private:
    std::shared_ptr<ServerCore> core_;
};

}  // namespace sup::http
