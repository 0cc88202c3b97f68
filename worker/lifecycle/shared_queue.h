// Takes from a queue of connections that several workers share, a listener's or an inbox: a few each wake,
// leaving some to peers that have fewer, and never without room for it.
//
// The descriptor is watched level-triggered and by every worker, so whatever one of them leaves wakes the
// others. A worker that has more than its peers looks away for a moment only, and then takes what is still
// there: peers that are stuck, draining or dead strand nothing.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"
#include "common/uv.h"

namespace sup::worker {

class SharedQueue {
public:
    enum class Taken {
        one,
        none_left,
        no_room,  // for example for want of a descriptor: to be tried again soon, or when a connection is
                  // closed
        broken,   // to be tried again from time to time: somebody may mend it
        failed,   // for good
    };

    // `take` takes one connection off the queue behind `fd`, without blocking; `has_enough` says that peers
    // should have it rather than this worker.
    SharedQueue(uv_loop_t* loop, int fd, std::function<Taken()> take, std::function<bool()> has_enough);

    Status start();
    void stop();
    // From now on takes whatever comes, without regard to peers.
    void take_everything() { leaves_to_peers_ = false; }
    // Stops waiting for more, but takes all that is there; `done` is called once, perhaps at once, perhaps
    // when there is room again.
    void empty(std::function<void()> done);
    // A connection was closed: goes on if what made it stop is over.
    void connection_closed();

private:
    enum class Pause { none, for_peers, for_room, until_mended, between_slices };

    void woken();
    void take_some(bool leave_to_peers);
    void take_all();
    void pause(Pause reason, Duration delay);
    void go_on();
    void finish();

    uv_loop_t* loop_;
    int fd_;
    std::function<Taken()> take_;
    std::function<bool()> has_enough_;
    std::function<void()> empty_;  // set: emptying the queue
    uv::Poll poll_;
    uv::Timer timer_;
    Pause pause_ = Pause::none;
    bool leaves_to_peers_ = true;
};

}  // namespace sup::worker
