// RAII over the libuv handles that sup uses. A handle lives on the heap because uv_close() finishes in a
// later turn of the loop; destroying a wrapper closes the handle, and its callback is never called again. An
// empty one has nothing to stop or cancel, and must not be started.
// Everything here belongs to the thread that runs the loop, except Async::send().
#pragma once

#include <uv.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/duration.h"
#include "common/result.h"

namespace sup::uv {

// What becomes of a loop that is destroyed with open handles, or requests under way, after naming them on
// stderr.
enum class LeftOpen {
    aborts,        // they are a broken invariant
    is_abandoned,  // they are somebody else's: the loop is not run any more, and its memory is not freed
};

// Owns a loop. Destroying it runs the loop until the handles that were closed and the requests that are over
// have been called back, and never waits for anything else.
class Loop {
public:
    explicit Loop(LeftOpen left_open = LeftOpen::aborts);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    uv_loop_t* get() noexcept { return loop_.get(); }
    // Returns when nothing is active any more, or after stop().
    void run();
    // Of a run that is going on; otherwise nothing.
    void stop() {
        if (running_) uv_stop(loop_.get());
    }
    // So many requests are over, and only not called back yet.
    void requests_over(std::size_t count) { requests_over_ += count; }

private:
    std::unique_ptr<uv_loop_t> loop_;
    LeftOpen left_open_;
    std::size_t requests_over_ = 0;
    bool running_ = false;
};

namespace detail {
// The handle and its callback, freed by the close callback.
template <typename Handle, typename Callback>
struct State {
    Handle handle;
    Callback callback;
};
struct Closer {
    template <typename S>
    void operator()(S* state) const {
        state->callback = nullptr;
        uv_close(reinterpret_cast<uv_handle_t*>(&state->handle),
                 [](uv_handle_t* handle) { delete static_cast<S*>(handle->data); });
    }
};
}  // namespace detail

// A one-shot timer. A callback may destroy or re-arm the timer it was called by.
class Timer {
public:
    Timer() = default;
    Timer(uv_loop_t* loop, std::function<void()> callback);

    // Counts from now, whatever time the loop last looked at the clock; arming again replaces the earlier
    // delay.
    void arm(Duration delay);
    void cancel();
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    using State = detail::State<uv_timer_t, std::function<void()>>;
    std::unique_ptr<State, detail::Closer> state_;
};

// While it runs, its callback comes once in every turn of the loop, which then does not wait for anything.
class Idle {
public:
    Idle() = default;
    Idle(uv_loop_t* loop, std::function<void()> callback);

    void start();
    void stop();

private:
    using State = detail::State<uv_idle_t, std::function<void()>>;
    std::unique_ptr<State, detail::Closer> state_;
};

// Watches a descriptor, level-triggered. The descriptor stays the caller's and must outlive the watch. libuv
// sets it O_NONBLOCK. `events` are UV_READABLE, UV_WRITABLE, UV_DISCONNECT.
class Poll {
public:
    Poll() = default;
    // A failure is a descriptor that epoll does not take.
    static Result<Poll> create(uv_loop_t* loop, int fd, std::function<void(int status, int events)> callback);

    void start(int events);
    void stop();
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    using State = detail::State<uv_poll_t, std::function<void(int, int)>>;
    std::unique_ptr<State, detail::Closer> state_;
};

// Calls back in the loop for each arrival of a signal; several arrivals may be reported as one.
class Signal {
public:
    Signal() = default;
    Signal(uv_loop_t* loop, int number, std::function<void()> callback);

private:
    using State = detail::State<uv_signal_t, std::function<void()>>;
    std::unique_ptr<State, detail::Closer> state_;
};

// Wakes the loop from elsewhere; several wakes may be one call of the callback.
class Async {
public:
    Async() = default;
    Async(uv_loop_t* loop, std::function<void()> callback);

    // Any thread, and a signal's handler (uv_async_send); but not at the same time as the destructor.
    void send() const;
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    using State = detail::State<uv_async_t, std::function<void()>>;
    std::unique_ptr<State, detail::Closer> state_;
};

}  // namespace sup::uv
