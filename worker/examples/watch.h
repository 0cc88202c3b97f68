// Watches a socket in the worker's loop until it is destroyed.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <utility>

namespace examples {

class Watch {
public:
    Watch() = default;
    // `ready` is called, for as long as that is so, when there is something to read or the connection has
    // ended, and with `writable` when there is room to send again. It may destroy or change the watch.
    Watch(uv_loop_t* loop, int socket, std::function<void()> ready) : state_(std::make_unique<State>()) {
        state_->ready = std::move(ready);
        uv_poll_init(loop, &state_->poll, socket);
        state_->poll.data = state_.get();
        wait_for(false);
    }

    void wait_for(bool writable) {
        const auto call = [](uv_poll_t* poll, int, int) {
            const auto ready = static_cast<State*>(poll->data)->ready;  // a copy: it may destroy the watch
            ready();
        };
        uv_poll_start(&state_->poll, writable ? UV_READABLE | UV_WRITABLE : UV_READABLE, call);
    }

private:
    struct State {
        uv_poll_t poll{};
        std::function<void()> ready;
    };
    // libuv takes the socket out of its set at once, but needs the handle for one more turn of the loop.
    struct Close {
        void operator()(State* state) const {
            uv_close(reinterpret_cast<uv_handle_t*>(&state->poll),
                     [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
        }
    };
    class Owner : public std::unique_ptr<State, Close> {
    public:
        Owner() = default;
        Owner(std::unique_ptr<State> state) : std::unique_ptr<State, Close>(state.release()) {}
    };
    Owner state_;
};

}  // namespace examples
