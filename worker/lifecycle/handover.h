// What happens to a worker's connections through other workers: its generation's inbox, where others come
// from, and its successor, where its own go when it drains.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/uv.h"
#include "sup/connections.h"
#include "worker/lifecycle/balance.h"
#include "worker/lifecycle/channel.h"
#include "worker/lifecycle/inbox.h"
#include "worker/lifecycle/successor.h"

namespace sup::worker {

class Handover {
public:
    struct Callbacks {
        std::function<void(const InboxPacket&, UniqueFd)> arrived;
        std::function<void(UniqueFd)> malformed;
        std::function<void()> no_descriptor;
        // While draining: there is room to hand over to again, or nobody any more to whom.
        std::function<void()> changed;
        // While draining: the master has told of another successor, or of none.
        std::function<void()> replaced;
        // Reads what the master has said, now.
        std::function<void()> ask;
        // Whether it can still say something.
        std::function<bool()> master_lives;
    };
    Handover(uv_loop_t* loop, Balance& balance, Callbacks callbacks);

    // What the channel brings.
    void use(InboxEnds ends);
    void use(DrainPacket packet);

    // The worker drains: it hands over, and takes no inbox that it does not have by now.
    void drain() { draining_ = true; }
    // Then, when descriptors are free: an inbox that is open is left to the peers.
    void leave_inbox();
    // The time is up: nothing is handed over or taken any more. What is still in the inbox is not this
    // worker's to end: peers may take it, or the master moves it on.
    void give_up();
    // Whether the inbox keeps nothing more for this worker. Takes out of it what it has to.
    bool emptied();
    void stop();
    void connection_closed();

    // By what the master has said: whether nobody else will accept from this listener, and whether clients
    // will find somebody when they connect again. Nothing: it has said nothing.
    std::optional<bool> retired(const std::string& listener) const;
    std::optional<bool> succeeded() const;

    bool moves_on(const std::string& listener, const Spoken& spoken) const;
    bool has_room() const { return successor_ && successor_->has_room(); }
    // There is, or was, a successor to hand over to, which cannot resume from what is spoken.
    bool is_unreadable(const Spoken& spoken) const;
    // After `done` the caller closes its socket.
    HandOver hand_over(const InboxPacket& packet, int socket);
    // Into this generation's own inbox, for a peer. After `true` the same.
    bool put_back(const InboxPacket& packet, int socket);
    bool has_peers() const { return !draining_ && peers_inbox_; }

private:
    bool leaves_inbox_to_peers() const;
    void look_for_another_successor();

    uv_loop_t* loop_;
    Balance& balance_;
    Callbacks callbacks_;
    std::unique_ptr<Inbox> inbox_;  // this generation's
    UniqueFd peers_inbox_;          // its sender end
    std::unique_ptr<Successor> successor_;
    std::optional<DrainPacket> told_;  // without the descriptor; its `retired` is what the first one said
    uv::Timer look_again_;             // into the channel
    bool draining_ = false;
};

}  // namespace sup::worker
