// The master's end of a worker's channel: an optional SOCK_SEQPACKET connection that a worker offers with
// READY=1.
#pragma once

#include <uv.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "common/result.h"
#include "common/retry.h"
#include "common/scoreboard.h"
#include "common/spoken.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/handoff/inbox.h"
#include "master/handoff/listener_split.h"

namespace sup {

// By protocol.
using UnreadableConnections = std::map<std::string, std::uint64_t>;

// Main thread only. Sending never blocks. What cannot be sent at once, because too many descriptors are in
// flight for the user (unix(7), ETOOMANYREFS) or because the worker does not read, is sent as soon as it can
// be. What can never be sent, because the worker has closed its end, is reported as trouble, unless the
// worker has been told to drain: then it has simply finished.
class WorkerChannel {
public:
    // Neither may destroy the channel.
    struct Callbacks {
        std::function<void()> opened;  // after each send_inbox(): the packet is in the channel
        std::function<void(const std::string&)> trouble;
    };
    // Takes the descriptor that came with X_SUP_CHANNEL=1. Refuses anything but a unix SOCK_SEQPACKET socket.
    static Result<std::unique_ptr<WorkerChannel>> adopt(uv_loop_t* loop, UniqueFd socket,
                                                        Callbacks callbacks);
    WorkerChannel(const WorkerChannel&) = delete;
    WorkerChannel& operator=(const WorkerChannel&) = delete;

    // Where it keeps its counters.
    void send_scoreboard(std::shared_ptr<const Scoreboard> scoreboard, std::size_t row);
    // Its generation's inbox: where it takes connections from, and may put its own back for its peers.
    void send_inbox(std::shared_ptr<const Inbox> inbox);
    // The packet that comes just before the drain signal, and again whenever the successor changes. With
    // `inbox`, the successor's, connections may be handed over. When that descriptor has to wait, the names
    // go ahead without it.
    // `spoken` is what the successor can resume from.
    void send_drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken = {});

    // Reads what the worker has sent. The loop also does this as it comes; what was sent before the channel
    // was offered is there from the start.
    void read();
    // What it says it can resume from.
    const SpokenByAll& spoken() const { return spoken_; }
    // How many of its connections it says have ended because its successor cannot resume from them, for each
    // protocol.
    const UnreadableConnections& unreadable() const { return unreadable_; }

private:
    enum class Sent { yes, later, never };
    struct ScoreboardPacket {
        std::shared_ptr<const Scoreboard> scoreboard;
        std::size_t row;
    };
    struct DrainPacket {
        ListenerSplit listeners;
        std::shared_ptr<const Inbox> inbox;
        SpokenByAll spoken;
        bool named = false;  // the names went ahead
    };

    WorkerChannel(uv_loop_t* loop, UniqueFd socket, Callbacks callbacks)
        : socket_(std::move(socket)),
          callbacks_(std::move(callbacks)),
          retry_(loop, [this] { send_waiting(); }) {}
    void watch(uv_loop_t* loop);
    void use(const nlohmann::json& packet);
    void send_waiting();
    Sent send_scoreboard_packet();
    Sent send_inbox_packet();
    Sent send_drain_packet();
    Sent send(const nlohmann::json& packet, std::span<const int> descriptors = {});

    UniqueFd socket_;
    Callbacks callbacks_;
    // What is still to be sent.
    std::optional<ScoreboardPacket> scoreboard_;
    std::shared_ptr<const Inbox> inbox_;
    std::optional<DrainPacket> drain_;
    bool told_to_drain_ = false;
    Retry retry_;
    SpokenByAll spoken_;
    UnreadableConnections unreadable_;
    uv::Poll poll_;  // empty: nothing more comes
};

}  // namespace sup
