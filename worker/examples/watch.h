// Watches a socket in the worker's loop until it is destroyed.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace examples {

class Watch {
public:
    enum class Wait : std::uint8_t {
        nothing,
        input,  // or the connection's end
        room,   // to send again
        input_and_room,
    };

    // Watches nothing, and waits for nothing, whatever it is told.
    Watch() = default;
    // `ready` is called when what is waited for is there, input at first, for as long as that is so, and when
    // the connection is broken. It may destroy or change the watch.
    Watch(uv_loop_t* loop, int socket, std::function<void()> ready) : state_(std::make_unique<State>()) {
        state_->ready = std::move(ready);
        uv_poll_init(loop, &state_->poll, socket);
        state_->poll.data = state_.get();
        wait_for(Wait::input);
    }

    void wait_for(Wait wait) {
        if (state_ == nullptr || state_->wait == wait) return;
        state_->wait = wait;
        const auto call = [](uv_poll_t* poll, int, int) {
            const auto ready = static_cast<State*>(poll->data)->ready;  // a copy: it may destroy the watch
            ready();
        };
        switch (wait) {
            case Wait::nothing: uv_poll_stop(&state_->poll); return;
            case Wait::input: uv_poll_start(&state_->poll, UV_READABLE, call); return;
            case Wait::room: uv_poll_start(&state_->poll, UV_WRITABLE, call); return;
            case Wait::input_and_room: uv_poll_start(&state_->poll, UV_READABLE | UV_WRITABLE, call); return;
        }
    }

private:
    struct State {
        uv_poll_t poll{};
        std::function<void()> ready;
        Wait wait = Wait::nothing;
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
