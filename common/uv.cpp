#include "common/uv.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace sup::uv {
namespace {

// libuv fails here only for want of memory or descriptors at start-up, or for a programming error.
void require(int status, const char* what) {
    if (status == 0) return;
    std::fprintf(stderr, "sup: %s: %s\n", what, uv_strerror(status));
    std::abort();
}

// "timer, poll, request": what would keep the loop from being closed.
std::string open_things(uv_loop_t* loop, std::size_t requests_over) {
    std::string names;
    const auto name = [](uv_handle_t* handle, void* all) {
        if (uv_is_closing(handle) != 0) return;
        std::string& text = *static_cast<std::string*>(all);
        const char* type = uv_handle_type_name(uv_handle_get_type(handle));
        text.append(text.empty() ? "" : ", ").append(type == nullptr ? "handle" : type);
    };
    uv_walk(loop, name, &names);
    if (loop->active_reqs.count > requests_over) names.append(names.empty() ? "request" : ", request");
    return names;
}

}  // namespace

Loop::Loop(LeftOpen left_open) : loop_(std::make_unique<uv_loop_t>()), left_open_(left_open) {
    require(uv_loop_init(loop_.get()), "uv_loop_init");
}

Loop::~Loop() {
    const std::string open = open_things(loop_.get(), requests_over_);
    if (open.empty()) {
        uv_run(loop_.get(), UV_RUN_DEFAULT);
        require(uv_loop_close(loop_.get()), "uv_loop_close");
        return;
    }
    std::fprintf(stderr, "sup: the event loop ends with open handles (%s): uv_close() them before it\n",
                 open.c_str());
    if (left_open_ == LeftOpen::aborts) std::abort();
    static_cast<void>(loop_.release());
}

void Loop::run() {
    running_ = true;
    uv_run(loop_.get(), UV_RUN_DEFAULT);
    running_ = false;
}

Timer::Timer(uv_loop_t* loop, std::function<void()> callback) : state_(new State{{}, std::move(callback)}) {
    require(uv_timer_init(loop, &state_->handle), "uv_timer_init");
    state_->handle.data = state_.get();
}

void Timer::arm(Duration delay) {
    uv_update_time(state_->handle.loop);
    const auto fire = [](uv_timer_t* handle) {
        // A copy, because the callback may destroy the timer and itself with it.
        const auto call = static_cast<State*>(handle->data)->callback;
        call();
    };
    const auto milliseconds = delay.count() < 0 ? 0 : delay.count();
    require(uv_timer_start(&state_->handle, fire, static_cast<std::uint64_t>(milliseconds), 0),
            "uv_timer_start");
}

void Timer::cancel() {
    if (state_) uv_timer_stop(&state_->handle);
}

Idle::Idle(uv_loop_t* loop, std::function<void()> callback) : state_(new State{{}, std::move(callback)}) {
    require(uv_idle_init(loop, &state_->handle), "uv_idle_init");
    state_->handle.data = state_.get();
}

void Idle::start() {
    const auto turn = [](uv_idle_t* handle) {
        const auto call = static_cast<State*>(handle->data)->callback;
        call();
    };
    require(uv_idle_start(&state_->handle, turn), "uv_idle_start");
}

void Idle::stop() {
    if (state_) uv_idle_stop(&state_->handle);
}

Result<Poll> Poll::create(uv_loop_t* loop, int fd, std::function<void(int, int)> callback) {
    auto state = std::make_unique<State>(State{{}, std::move(callback)});
    const int status = uv_poll_init(loop, &state->handle, fd);
    if (status != 0)
        return Error{std::string("cannot watch descriptor ") + std::to_string(fd) + ": " +
                     uv_strerror(status)};
    state->handle.data = state.get();
    Poll poll;
    poll.state_.reset(state.release());
    return poll;
}

void Poll::start(int events) {
    const auto ready = [](uv_poll_t* handle, int status, int what) {
        // A copy, because the callback may destroy the watch and itself with it.
        const auto call = static_cast<State*>(handle->data)->callback;
        call(status, what);
    };
    require(uv_poll_start(&state_->handle, events, ready), "uv_poll_start");
}

void Poll::stop() {
    if (state_) uv_poll_stop(&state_->handle);
}

Signal::Signal(uv_loop_t* loop, int number, std::function<void()> callback)
    : state_(new State{{}, std::move(callback)}) {
    require(uv_signal_init(loop, &state_->handle), "uv_signal_init");
    state_->handle.data = state_.get();
    const auto arrived = [](uv_signal_t* handle, int) {
        const auto call = static_cast<State*>(handle->data)->callback;
        if (call) call();
    };
    require(uv_signal_start(&state_->handle, arrived, number), "uv_signal_start");
}

Async::Async(uv_loop_t* loop, std::function<void()> callback) : state_(new State{{}, std::move(callback)}) {
    const auto woken = [](uv_async_t* handle) {
        const auto call = static_cast<State*>(handle->data)->callback;
        if (call) call();
    };
    require(uv_async_init(loop, &state_->handle, woken), "uv_async_init");
    state_->handle.data = state_.get();
}

void Async::send() const {
    uv_async_send(&state_->handle);
}

}  // namespace sup::uv
