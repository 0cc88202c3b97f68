#include "worker/lifecycle/room.h"

#include <algorithm>

namespace sup::worker {
namespace {

constexpr Duration between_asks{100};
constexpr std::uint64_t inbox_patience = 2'000;  // ms

// Of the descriptors: kept free for what is no connection.
constexpr std::size_t reserve(std::size_t limit) {
    return std::clamp<std::size_t>(limit / 32, 4, 64);
}

// Where one waits more will come.
constexpr std::size_t at_once(std::size_t limit) {
    return std::clamp<std::size_t>(limit / 64, 8, 1024);
}

}  // namespace

void Room::taken_by(std::size_t connections) {
    if (connections + reserve(limit_) > limit_) ask(connections + reserve(limit_) - limit_);
}

void Room::none_free() {
    ask(at_once(limit_));
}

void Room::inbox_waits() {
    const std::uint64_t now = uv_now(loop_);
    if (!inbox_waits_since_) inbox_waits_since_ = now;
    if (now - *inbox_waits_since_ >= inbox_patience) ask(at_once(limit_));
}

// From the loop: a connection is just being taken.
void Room::ask(std::size_t count) {
    if (timer_) return;
    timer_ = uv::Timer(loop_, [this, count] {
        make_(count);
        timer_ = uv::Timer(loop_, [this] { timer_ = {}; });
        timer_.arm(between_asks);
    });
    timer_.arm(Duration{0});
}

}  // namespace sup::worker
