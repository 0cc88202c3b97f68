// What became of a request, for an access log: see Options::on_finished.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "sup/http/peer.h"

namespace sup::http {

enum class End : std::uint8_t {
    complete,     // the whole answer was made and sent, except for what may still wait (output_high_water);
                  // TCP does not tell whether the client took it
    refused,      // the library answered in the handler's place (400, 408, 413, 500 …)
    cut,          // the handler gave up, a file became shorter, the memory was needed (output_budget), or the
                  // time for draining was up: no whole answer
    client_gone,  // it left, or did not take its answer in time (stall_timeout)
    upgraded,     // another protocol has the connection
};

// Valid during the call. If a request's head was refused, only `peer`, `listener`, `status` and `how` have a
// meaning.
struct Finished {
    std::string_view method;
    std::string_view target;
    const Peer& peer;
    std::string_view listener;
    int status;                          // 0: no answer was begun
    std::uint64_t bytes_sent;            // of the answer's body; unless `complete`, only those that left
    std::chrono::microseconds duration;  // from the end of the request's head
    End how;
};

}  // namespace sup::http
