#include "worker/http/deadlines.h"

#include <algorithm>
#include <utility>

namespace sup::http {

void Deadline::cancel() {
    if (queue_ != nullptr) queue_->remove(*this);
}

Deadlines::Deadlines(uv_loop_t* loop, Duration patience, std::function<void(Deadline&)> expired)
    : loop_(loop), patience_(static_cast<std::uint64_t>(patience.count())), expired_(std::move(expired)) {}

Deadlines::~Deadlines() {
    clear();
}

void Deadlines::add(Deadline& deadline) {
    if (first_ == &deadline && last_ == &deadline) {
        // Alone: its timer fires early, once, and is then armed again.
        deadline.since_ = uv_now(loop_);
        return;
    }
    deadline.cancel();
    deadline.queue_ = this;
    deadline.since_ = uv_now(loop_);
    deadline.before_ = last_;
    deadline.after_ = nullptr;
    (last_ == nullptr ? first_ : last_->after_) = &deadline;
    last_ = &deadline;
    ++size_;
    if (first_ == &deadline) arm();
}

void Deadlines::remove(Deadline& deadline) {
    (deadline.before_ == nullptr ? first_ : deadline.before_->after_) = deadline.after_;
    (deadline.after_ == nullptr ? last_ : deadline.after_->before_) = deadline.before_;
    deadline.queue_ = nullptr;
    --size_;
    // A timer that is armed for somebody who has left fires early, once, and is then armed for the next.
    if (first_ == nullptr) timer_.cancel();
}

void Deadlines::shorten(Duration patience) {
    latest_ = std::min(latest_, uv_now(loop_) + static_cast<std::uint64_t>(patience.count()) + 1);
    if (first_ != nullptr) arm();
}

Duration Deadlines::waited(const Deadline& deadline) const {
    return Duration{uv_now(loop_) - deadline.since_};
}

std::uint64_t Deadlines::due(const Deadline& deadline) const {
    return std::min(patience_ == 0 ? never : deadline.since_ + patience_, latest_);
}

void Deadlines::clear() {
    while (first_ != nullptr) first_->cancel();
    timer_ = {};
}

// Each that waits now, once: one that waits again gets its full time again.
void Deadlines::fire() {
    for (std::size_t left = size_; left > 0 && first_ != nullptr && due(*first_) <= uv_now(loop_); --left) {
        Deadline& expired = *first_;
        expired.cancel();
        expired_(expired);
    }
    if (first_ != nullptr) arm();
}

void Deadlines::arm() {
    const std::uint64_t due_first = due(*first_);
    if (due_first == never) return;
    if (!timer_) timer_ = uv::Timer(loop_, [this] { fire(); });
    const std::uint64_t now = uv_now(loop_);
    timer_.arm(Duration{due_first > now ? due_first - now : 0});
}

}  // namespace sup::http
