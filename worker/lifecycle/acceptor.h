// Takes connections off one listener. Unlike libuv's own accept it never closes a connection for want of
// descriptors, and never blocks on a listener whose O_NONBLOCK another process has cleared.
#pragma once

#include <functional>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"

namespace sup::worker {

class Acceptor {
public:
    // `accepted` gets each connection, non-blocking and close-on-exec.
    Acceptor(uv_loop_t* loop, UniqueFd listener, std::string name, std::function<void(UniqueFd)> accepted);

    Status start();

    // Stops accepting and closes this process's descriptor; the queue stays with whoever else holds the
    // socket.
    void leave();

    // Stops waiting for new connections, but accepts what is queued now, then closes; `done` is called once,
    // perhaps at once, perhaps when descriptors have become free.
    void empty_queue(std::function<void()> done);

    // A descriptor was closed: goes on if it was the want of one that stopped it.
    void descriptor_freed();

    bool closed() const { return !listener_; }
    const std::string& name() const { return name_; }

private:
    enum class Outcome { accepted, none_queued, no_descriptor, failed };

    void accept_some();
    void accept_all();
    Outcome accept_one();
    void ensure_nonblocking();
    void wait_for_descriptor(int reason);
    void wait(Duration delay);
    void go_on();
    void finish();

    uv_loop_t* loop_;
    UniqueFd listener_;
    std::string name_;
    std::function<void(UniqueFd)> accepted_;
    std::function<void()> queue_empty_;  // set: emptying the queue
    uv::Poll poll_;
    uv::Timer retry_;
    bool waiting_ = false;  // for a descriptor
    bool told_ = false;     // of this want of descriptors
};

}  // namespace sup::worker
