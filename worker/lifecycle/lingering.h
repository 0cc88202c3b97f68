// Ends connections that nobody here can serve: our side at once, the rest when the client has ended its own,
// so that it sees an end and no reset.
#pragma once

#include <cstddef>
#include <functional>
#include <list>

#include "common/unique_fd.h"
#include "common/uv.h"

namespace sup::worker {

class Lingering {
public:
    // `ended` is called after each connection has ended.
    Lingering(uv_loop_t* loop, std::function<void()> ended) : loop_(loop), ended_(std::move(ended)) {}

    void add(UniqueFd socket);
    // The time is up for all of them.
    void end_all();
    std::size_t size() const { return open_.size(); }

private:
    struct One {
        UniqueFd socket;
        uv::Poll poll;
        uv::Timer deadline;
    };

    void read(std::list<One>::iterator one);
    void end(std::list<One>::iterator one);

    uv_loop_t* loop_;
    std::function<void()> ended_;
    std::list<One> open_;
};

}  // namespace sup::worker
