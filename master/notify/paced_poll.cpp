#include "master/notify/paced_poll.h"

#include <algorithm>
#include <utility>

namespace sup {
namespace {

// Others get their turn after this many.
constexpr int messages_a_turn = 16;
constexpr Duration rest_between_polls{50};

}  // namespace

bool Pace::take(std::uint64_t now) {
    constexpr std::uint64_t one = 1000;
    // Thousandths of a message in a millisecond are messages in a second.
    if (at_ != 0) left_ = std::min(burst_ * one, left_ + (now - std::min(now, at_)) * per_second_);
    at_ = now;
    if (left_ < one) return false;
    left_ -= one;
    return true;
}

PacedPoll::PacedPoll(uv_loop_t* loop, One one)
    : loop_(loop), one_(std::make_shared<const One>(std::move(one))), rest_(loop, [this] { start(); }) {}

Result<std::unique_ptr<PacedPoll>> PacedPoll::create(uv_loop_t* loop, int fd, One one) {
    std::unique_ptr<PacedPoll> paced{new PacedPoll(loop, std::move(one))};
    auto poll = uv::Poll::create(loop, fd, [raw = paced.get()](int, int) { raw->serve(); });
    if (!poll) return poll.error();
    paced->poll_ = std::move(*poll);
    paced->start();
    return paced;
}

void PacedPoll::start() {
    poll_.start(UV_READABLE);
}

void PacedPoll::stop() {
    poll_.stop();
    rest_.cancel();
}

void PacedPoll::serve() {
    const std::weak_ptr<const One> alive = one_;
    for (int i = 0; i < messages_a_turn; ++i) {
        if (!pace_.take(uv_now(loop_))) {
            poll_.stop();
            return rest_.arm(rest_between_polls);
        }
        const auto one = alive.lock();
        if (!(*one)()) return;
        if (alive.use_count() == 1) return;  // it has destroyed this watch
    }
}

}  // namespace sup
