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
    deadline.cancel();
    if (patience_ == 0) return;
    deadline.queue_ = this;
    deadline.due_ = std::min(uv_now(loop_) + patience_, latest_);
    deadline.before_ = last_;
    deadline.after_ = nullptr;
    (last_ == nullptr ? first_ : last_->after_) = &deadline;
    last_ = &deadline;
    if (first_ == &deadline) arm();
}

void Deadlines::remove(Deadline& deadline) {
    (deadline.before_ == nullptr ? first_ : deadline.before_->after_) = deadline.after_;
    (deadline.after_ == nullptr ? last_ : deadline.after_->before_) = deadline.before_;
    deadline.queue_ = nullptr;
    // A timer that is armed for somebody who has left fires early, once, and is then armed for the next.
    if (first_ == nullptr) timer_.cancel();
}

void Deadlines::shorten(Duration patience) {
    const std::uint64_t most = static_cast<std::uint64_t>(patience.count()) + 1;
    patience_ = patience_ == 0 ? most : std::min(patience_, most);
    latest_ = uv_now(loop_) + patience_;
    for (Deadline* waiting = first_; waiting != nullptr; waiting = waiting->after_) {
        waiting->due_ = std::min(waiting->due_, latest_);
    }
    if (first_ != nullptr) arm();
}

void Deadlines::clear() {
    while (first_ != nullptr) first_->cancel();
    timer_ = {};
    patience_ = 0;
}

void Deadlines::fire() {
    while (first_ != nullptr && first_->due_ <= uv_now(loop_)) {
        Deadline& expired = *first_;
        expired.cancel();
        expired_(expired);
    }
    if (first_ != nullptr) arm();
}

void Deadlines::arm() {
    if (!timer_) timer_ = uv::Timer(loop_, [this] { fire(); });
    const std::uint64_t now = uv_now(loop_);
    timer_.arm(Duration{first_->due_ > now ? first_->due_ - now : 0});
}

}  // namespace sup::http
