// The receiving end of this generation's inbox: an accept queue for connections that are already established.
#pragma once

#include <functional>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/unix_message.h"
#include "common/uv.h"
#include "worker/lifecycle/balance.h"
#include "worker/lifecycle/inbox_packet.h"
#include "worker/lifecycle/shared_queue.h"

namespace sup::worker {

class Inbox {
public:
    // `arrived` gets each connection, close-on-exec, and what came with it (valid during the call);
    // `malformed` the connections of packets that nobody can understand; what is not a connection is closed.
    struct Callbacks {
        std::function<void(const InboxPacket&, UniqueFd)> arrived;
        std::function<void(UniqueFd)> malformed;
        std::function<void()> no_descriptor;  // one waits, and none is free for it
    };
    Inbox(uv_loop_t* loop, UniqueFd receiver, Balance& balance, Callbacks callbacks);

    Status start() { return queue_.start(); }
    // This worker drains. An inbox that is open is left to the peers, who stay and take from it. From when it
    // is closed, whatever is in it is this worker's, too, to serve or to pass on.
    Status drain();
    // Its generation goes, and nothing more comes in.
    bool closed() const;
    // Takes what is there at this moment; false when the want of a descriptor keeps something in it.
    bool empty_now();
    void stop() {
        queue_.stop();
        closing_ = {};
    }
    void connection_closed() { queue_.connection_closed(); }

private:
    SharedQueue::Taken take_one();
    bool has_free_descriptor() const;
    void tell_no_descriptor(int reason);
    bool something_queued() const;
    void use(UnixMessage message);
    SharedQueue::Taken take_empty_packet();

    uv_loop_t* loop_;
    UniqueFd receiver_;
    Callbacks callbacks_;
    std::vector<char> buffer_;
    SharedQueue queue_;
    uv::Poll closing_;   // while it is left to the peers
    bool told_ = false;  // of this want of descriptors
};

}  // namespace sup::worker
