// Takes connections off one listener. Unlike libuv's own accept it never closes a connection for want of
// descriptors, and never blocks on a listener whose O_NONBLOCK another process has cleared.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "worker/lifecycle/balance.h"
#include "worker/lifecycle/shared_queue.h"

namespace sup::worker {

class Acceptor {
public:
    struct Callbacks {
        std::function<void(UniqueFd)> accepted;       // each connection, non-blocking and close-on-exec
        std::function<void()> no_descriptor = [] {};  // one waits, and none is free for it
        // The limit of open connections is reached. What waits then stays in the kernel's queue …
        std::function<bool()> full = [] { return false; };
        // … unless another one ends for it: whether there is a place now.
        std::function<bool()> make_place = [] { return false; };
    };
    Acceptor(uv_loop_t* loop, UniqueFd listener, std::string name, Balance& balance, Callbacks callbacks);

    Status start();

    // Stops accepting and closes this process's descriptor; the queue stays with whoever else holds the
    // socket.
    void leave();

    // Stops waiting for new connections, but accepts what is queued now, then closes; `done` is called once,
    // perhaps at once, perhaps when there is room again.
    void empty_queue(std::function<void()> done);

    // Goes on if what made it stop is over.
    void connection_closed() { queue_.connection_closed(); }

    bool closed() const { return !listener_; }
    const std::string& name() const { return name_; }

private:
    SharedQueue::Taken accept_one();
    bool someone_waits() const;
    void ensure_nonblocking();
    void tell_waiting(int reason);

    UniqueFd listener_;
    std::string name_;
    Callbacks callbacks_;
    SharedQueue queue_;
    int troubled_ = 0;   // failures in a row
    bool told_ = false;  // of what it waits for
};

}  // namespace sup::worker
