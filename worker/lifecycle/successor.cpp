#include "worker/lifecycle/successor.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace sup::worker {
namespace {

// After so many in a row the connections that are still served have their turn.
constexpr int sent_per_turn = 256;
// ETOOMANYREFS has no event that says when it is over.
constexpr Duration too_many_retry{5};

}  // namespace

Successor::Successor(uv_loop_t* loop, UniqueFd inbox, std::vector<std::string> listeners, Callbacks callbacks)
    : loop_(loop),
      inbox_(std::move(inbox)),
      listeners_(std::move(listeners)),
      callbacks_(std::move(callbacks)) {}

bool Successor::takes(const std::string& listener) const {
    return std::find(listeners_.begin(), listeners_.end(), listener) != listeners_.end();
}

HandOver Successor::hand_over(const InboxPacket& packet, int socket) {
    if (!takes(packet.listener)) return HandOver::impossible;
    if (waiting_) return HandOver::later;
    const Result<SendOutcome> outcome = send_to_inbox(inbox_.get(), packet, socket);
    if (!outcome) return HandOver::impossible;
    switch (*outcome) {
        case SendOutcome::sent:
            if (++sent_ >= sent_per_turn) wait_for_room();
            return HandOver::done;
        case SendOutcome::would_block: wait_for_room(); return HandOver::later;
        case SendOutcome::too_many_fds: wait(too_many_retry); return HandOver::later;
        case SendOutcome::no_receiver:
            poll_ = {};
            inbox_.reset();
            waiting_ = true;
            callbacks_.gone();
            return HandOver::later;
    }
    std::abort();
}

void Successor::wait_for_room() {
    if (!poll_) {
        Result<uv::Poll> poll = uv::Poll::create(loop_, inbox_.get(), [this](int, int) { has_room_again(); });
        if (!poll) return wait(too_many_retry);
        poll_ = std::move(*poll);
    }
    waiting_ = true;
    poll_.start(UV_WRITABLE);
}

void Successor::wait(Duration delay) {
    waiting_ = true;
    if (!timer_) timer_ = uv::Timer(loop_, [this] { has_room_again(); });
    timer_.arm(delay);
}

void Successor::has_room_again() {
    if (poll_) poll_.stop();
    waiting_ = false;
    sent_ = 0;
    // A copy: what is told in the channel meanwhile may replace this successor.
    const auto room = callbacks_.room;
    room();
}

}  // namespace sup::worker
