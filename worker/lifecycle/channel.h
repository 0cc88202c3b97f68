// The worker's end of the channel that it opened to the master: one JSON object a packet, on a SOCK_SEQPACKET
// pair.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/result.h"
#include "common/spoken.h"
#include "common/unique_fd.h"
#include "common/uv.h"

namespace sup::worker {

// Where to keep the counters.
struct ScoreboardPacket {
    std::size_t slot = 0;
    UniqueFd memory;
};

// This generation's inbox.
struct InboxEnds {
    UniqueFd receiver;
    UniqueFd sender;
};

// Sent just before the drain signal, and again when the successor changes.
struct DrainPacket {
    std::vector<std::string> listeners;  // the successor has these
    std::vector<std::string> retired;    // their queue is this worker's to serve
    UniqueFd inbox;                      // the successor's sender end; none: no connection can be handed over
    // What the successor can resume from. Nothing: some worker there, or the master, does not say.
    SpokenByAll reads = {};
};

using ChannelPacket = std::variant<ScoreboardPacket, InboxEnds, DrainPacket>;

// Nothing when the packet is of another type, or malformed.
std::optional<ChannelPacket> parse_channel_packet(std::string_view packet, std::vector<UniqueFd> descriptors);

// What this worker can resume from: the first thing that it says.
std::string spoken_packet(const std::vector<Reads>& spoken);
// How many connections have ended so far because the successor cannot resume from them.
std::string unreadable_packet(const std::string& protocol, std::uint64_t connections);

class Channel {
public:
    // The pair's two ends; both close-on-exec.
    struct Ends {
        UniqueFd ours;
        UniqueFd masters;
    };
    static Result<Ends> open();

    // `received` gets each packet that is understood.
    Channel(uv_loop_t* loop, UniqueFd ours, std::function<void(ChannelPacket)> received);

    // Reads packets until there are none. Done by itself as they come, and by the drain before it looks at
    // what they told.
    void read();
    // To the master; may be lost.
    void send(const std::string& packet);

    // End-of-file: the master has gone.
    bool closed() const { return !socket_; }

private:
    bool read_one();
    void reserve();

    UniqueFd socket_;
    // Given up while a packet is received: at the descriptor limit what comes with it would be lost.
    std::array<UniqueFd, 2> reserve_;
    std::function<void(ChannelPacket)> received_;
    uv::Poll poll_;
};

}  // namespace sup::worker
