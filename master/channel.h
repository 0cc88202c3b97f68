// The master's end of a worker's channel: an optional SOCK_SEQPACKET connection that a worker offers with
// READY=1.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sup {

class WorkerChannel {
public:
    // Takes the descriptor that came with X_SUP_CHANNEL=1. Refuses anything but a unix SOCK_SEQPACKET socket.
    static Result<WorkerChannel> adopt(UniqueFd socket);

    // The packet that comes just before the drain signal. `listeners` are those that a successor serves from
    // now on, `retired` those whose queue this worker must empty because nobody else will. Never blocks; a
    // worker that does not read its channel, or has closed it, is an Error, and is then drained by the signal
    // alone.
    Status send_drain(std::span<const std::string> listeners, std::span<const std::string> retired);

private:
    explicit WorkerChannel(UniqueFd socket) : socket_(std::move(socket)) {}
    UniqueFd socket_;
};

}  // namespace sup
