// Where the connections of a draining worker go: its successor's inbox, with back-pressure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "sup/connections.h"
#include "worker/lifecycle/inbox_packet.h"

namespace sup::worker {

class Successor {
public:
    struct Callbacks {
        // It makes sense to try again after `later`. May destroy its caller.
        std::function<void()> room;
        // Once: the inbox is closed, and everything is `later` from now on. Must not destroy its caller.
        std::function<void()> gone;
    };
    // Takes connections of these listeners.
    Successor(uv_loop_t* loop, UniqueFd inbox, std::vector<std::string> listeners, Callbacks callbacks);

    bool takes(const std::string& listener) const;
    // False between `later` and `room`.
    bool has_room() const { return !waiting_; }
    bool gone() const { return !inbox_; }
    // The socket, which must not be watched by anybody, stays the caller's.
    HandOver hand_over(const InboxPacket& packet, int socket);

private:
    void wait_for_room();
    void wait(Duration delay);
    void has_room_again();

    uv_loop_t* loop_;
    UniqueFd inbox_;
    std::vector<std::string> listeners_;
    Callbacks callbacks_;
    uv::Poll poll_;
    uv::Timer timer_;
    int sent_ = 0;  // since there was room again
    bool waiting_ = false;
};

}  // namespace sup::worker
