// A worker's channel, from before it opens until after it has closed: what the worker is to be told, and what
// it has said.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/scoreboard.h"
#include "common/unique_fd.h"
#include "master/handoff/channel.h"

namespace sup {

// Main thread only.
class WorkerLink {
public:
    struct Callbacks {
        std::function<void()> opened;  // it has its inbox
        std::function<void(const std::string&)> trouble;
    };
    WorkerLink(uv_loop_t* loop, Callbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}
    WorkerLink(const WorkerLink&) = delete;
    WorkerLink& operator=(const WorkerLink&) = delete;

    // Takes the first one that can be used, and no other. Sends what the worker needs at first.
    struct Gifts {
        std::shared_ptr<const Scoreboard> scoreboard;
        std::optional<std::size_t> row;  // none: it gets no scoreboard
        std::shared_ptr<const Inbox> inbox;
    };
    void open(UniqueFd socket, const Gifts& gifts);
    // For the last time; then it is closed.
    void read_to_the_end();
    void close() { channel_.reset(); }

    bool is_open() const noexcept { return channel_ != nullptr; }
    // Whether it ever was open.
    bool spoke() const noexcept { return spoke_; }
    // What it says it can resume from (section 4 of docs/worker-protocol.md).
    SpokenByAll spoken() const { return channel_ ? channel_->spoken() : std::nullopt; }
    // The connections it has ended so far because its successor cannot resume from them, also once closed.
    const UnreadableConnections& unreadable() const {
        return channel_ ? channel_->unreadable() : unreadable_;
    }

    void send_inbox(std::shared_ptr<const Inbox> inbox);
    // Also before it opens: it is told then, without an inbox.
    void send_drain(ListenerSplit listeners, std::shared_ptr<const Inbox> inbox, SpokenByAll spoken);

private:
    uv_loop_t* loop_;
    Callbacks callbacks_;
    std::unique_ptr<WorkerChannel> channel_;
    std::optional<ListenerSplit> untold_drain_;  // from before there was a channel, which may open late
    UnreadableConnections unreadable_;           // once the channel is closed
    bool spoke_ = false;
    bool refused_ = false;  // and said so
};

}  // namespace sup
