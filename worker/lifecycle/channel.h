// The worker's end of the channel that it opened to the master: one JSON object a packet, on a SOCK_SEQPACKET
// pair.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"

namespace sup::worker {

// Sent just before the drain signal.
struct DrainPacket {
    std::vector<std::string> listeners;  // the successor takes these over
    std::vector<std::string> retired;    // these have none: their queue is this worker's to serve

    friend bool operator==(const DrainPacket&, const DrainPacket&) = default;
};

// Nothing when the packet is of another type, or malformed.
std::optional<DrainPacket> parse_drain_packet(std::string_view packet);

class Channel {
public:
    // The pair's two ends; both close-on-exec.
    struct Ends {
        UniqueFd ours;
        UniqueFd masters;
    };
    static Result<Ends> open();

    Channel(uv_loop_t* loop, UniqueFd ours);

    // Reads packets until there are none. Done by itself as they come, and by the drain before it looks at
    // drain().
    void read();

    const std::optional<DrainPacket>& drain() const { return drain_; }
    // End-of-file: the master has gone.
    bool closed() const { return !socket_; }

private:
    bool read_one();

    UniqueFd socket_;
    uv::Poll poll_;
    std::optional<DrainPacket> drain_;
};

}  // namespace sup::worker
