// The pipe on which one worker says by a newline that it is ready.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "common/unique_fd.h"
#include "common/uv.h"
#include "master/notify/paced_poll.h"

namespace sup {

// Main thread only.
class ReadyPipe {
public:
    struct Callbacks {
        std::function<void()> ready;
        std::function<void(const std::string&)> trouble;  // it was closed without a newline
    };
    // Neither callback may destroy the pipe; at most one of them is called, once.
    static Result<std::unique_ptr<ReadyPipe>> open(uv_loop_t* loop, Callbacks callbacks);
    ReadyPipe(const ReadyPipe&) = delete;
    ReadyPipe& operator=(const ReadyPipe&) = delete;

    int worker_end() const noexcept { return writer_.get(); }
    // To be called when the worker has it.
    void close_worker_end() { writer_.reset(); }
    // Delivers now what has arrived.
    void drain();

private:
    explicit ReadyPipe(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    bool read_one();
    void ended();

    Callbacks callbacks_;
    UniqueFd reader_;
    UniqueFd writer_;
    std::unique_ptr<PacedPoll> poll_;
    bool done_ = false;
};

}  // namespace sup
