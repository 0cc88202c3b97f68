// The master's end of a worker's channel: an optional SOCK_SEQPACKET connection that a worker offers with
// READY=1.
#pragma once

#include <cstddef>

#include "common/result.h"
#include "common/scoreboard.h"
#include "common/unique_fd.h"
#include "master/generation.h"
#include "master/inbox.h"

namespace sup {

class WorkerChannel {
public:
    // Takes the descriptor that came with X_SUP_CHANNEL=1. Refuses anything but a unix SOCK_SEQPACKET socket.
    static Result<WorkerChannel> adopt(UniqueFd socket);

    // None of these blocks. A worker that does not read its channel, or has closed it, is an Error, and is
    // then drained by the signal alone.

    // Its generation's inbox: where it takes connections from, and where it may put its own back for its
    // peers.
    Status send_inbox(const Inbox& inbox);
    // Where it keeps its counters.
    Status send_scoreboard(const Scoreboard& scoreboard, std::size_t row);
    // The packet that comes just before the drain signal, and again when its successor changes. With `inbox`,
    // the successor's, connections may be handed over.
    Status send_drain(const ListenerSplit& listeners, const Inbox* inbox);

private:
    explicit WorkerChannel(UniqueFd socket) : socket_(std::move(socket)) {}
    UniqueFd socket_;
};

}  // namespace sup
