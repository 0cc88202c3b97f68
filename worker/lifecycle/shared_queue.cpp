#include "worker/lifecycle/shared_queue.h"

#include <utility>

namespace sup::worker {
namespace {

// How many connections one wake may take before the others in the loop have their turn. What is left wakes
// again.
constexpr int taken_per_wake = 8;
constexpr int taken_per_slice = 64;
constexpr Duration room_retry{100};
constexpr Duration broken_retry{250};
constexpr Duration left_to_peers{2};

}  // namespace

SharedQueue::SharedQueue(uv_loop_t* loop, int fd, std::function<Taken()> take,
                         std::function<bool()> has_enough)
    : loop_(loop), fd_(fd), take_(std::move(take)), has_enough_(std::move(has_enough)) {}

Status SharedQueue::start() {
    Result<uv::Poll> poll = uv::Poll::create(loop_, fd_, [this](int, int) { woken(); });
    if (!poll) return poll.error();
    poll_ = std::move(*poll);
    poll_.start(UV_READABLE);
    return Success{};
}

void SharedQueue::stop() {
    empty_ = nullptr;
    finish();
}

void SharedQueue::empty(std::function<void()> done) {
    empty_ = std::move(done);
    poll_ = {};
    if (pause_ != Pause::for_room) take_all();
}

void SharedQueue::connection_closed() {
    switch (pause_) {
        case Pause::none:
        case Pause::until_mended:
        case Pause::between_slices: return;
        case Pause::for_room: return timer_.arm(Duration{0});
        case Pause::for_peers:
            if (!poll_ || has_enough_()) return;
            pause_ = Pause::none;
            timer_.cancel();
            poll_.start(UV_READABLE);
    }
}

void SharedQueue::woken() {
    take_some(leaves_to_peers_);
}

void SharedQueue::take_some(bool leave_to_peers) {
    for (int i = 0; i < taken_per_wake && poll_; ++i) {
        if (leave_to_peers && has_enough_()) return pause(Pause::for_peers, left_to_peers);
        switch (take_()) {
            case Taken::one: break;
            case Taken::none_left: return;
            case Taken::no_room: return pause(Pause::for_room, room_retry);
            case Taken::broken: return pause(Pause::until_mended, broken_retry);
            case Taken::failed: return finish();
        }
    }
}

// In slices, because each connection may be served as it is taken, and clients may come as fast as that.
void SharedQueue::take_all() {
    for (int i = 0; i < taken_per_slice; ++i) {
        switch (take_()) {
            case Taken::one: break;
            case Taken::no_room: return pause(Pause::for_room, room_retry);
            case Taken::none_left:
            case Taken::broken:  // which has lost its queue
            case Taken::failed: return finish();
        }
    }
    pause(Pause::between_slices, Duration{0});
}

void SharedQueue::pause(Pause reason, Duration delay) {
    pause_ = reason;
    if (poll_) poll_.stop();
    if (!timer_) timer_ = uv::Timer(loop_, [this] { go_on(); });
    timer_.arm(delay);
}

// What the peers have left until now is taken, however many this worker has.
void SharedQueue::go_on() {
    pause_ = Pause::none;
    if (empty_) return take_all();
    if (!poll_) return;
    take_some(false);
    if (pause_ == Pause::none && poll_) poll_.start(UV_READABLE);
}

void SharedQueue::finish() {
    pause_ = Pause::none;
    poll_ = {};
    timer_ = {};
    const auto done = std::exchange(empty_, nullptr);
    if (done) done();
}

}  // namespace sup::worker
