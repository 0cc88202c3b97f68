#include "worker/lifecycle/announcement.h"

#include <utility>

#include "common/wire.h"

namespace sup::worker {
namespace {

// A worker that is ready without a channel is handed no connection over. So a crowd of descriptors, which is
// mostly over in a moment, is waited for that long.
constexpr Duration crowd{100};

bool is(const Result<SendOutcome>& outcome, SendOutcome expected) {
    return outcome && *outcome == expected;
}

}  // namespace

Announcement::Announcement(uv_loop_t* loop, const NotifyClient& notify, Duration patience,
                           Callbacks callbacks)
    : notify_(notify),
      patience_(patience),
      callbacks_(std::move(callbacks)),
      retry_(loop, [this] { go_on(); }) {}

void Announcement::begin(const std::optional<std::string>& first_packet) {
    began_ = Clock::now();
    Result<Channel::Ends> ends = first_packet ? Channel::open() : Error{};
    if (ends) {
        ends_ = std::move(*ends);
        static_cast<void>(send_unix_message(ends_->ours.get(), *first_packet));
    }
    go_on();
}

void Announcement::go_on() {
    Result<SendOutcome> outcome = ends_ ? offer_channel() : notify_.try_send("READY=1");
    if (!said_ready_ && ends_ && waited(crowd)) outcome = notify_.try_send("READY=1");
    said_ready_ = said_ready_ || is(outcome, SendOutcome::sent);
    if (said_ready_ && !ends_) return;
    const bool late = waited(patience_);
    if (!said_ready_ && late && !std::exchange(told_failure_, true))
        callbacks_.failed(notify_.failure(outcome));
    // Anything else may pass: a full queue, a descriptor limit.
    if (is(outcome, SendOutcome::no_receiver) && (said_ready_ || late)) return ends_.reset();
    retry_.arm();
}

Result<SendOutcome> Announcement::offer_channel() {
    const int masters = ends_->masters.get();
    const std::string offer = std::string(wire::channel_offer) + "=1";
    auto outcome = notify_.try_send(said_ready_ ? offer : "READY=1\n" + offer, {&masters, 1});
    if (is(outcome, SendOutcome::sent)) {
        said_ready_ = true;
        UniqueFd ours = std::move(ends_->ours);
        ends_.reset();
        callbacks_.opened(std::move(ours));
    }
    return outcome;
}

}  // namespace sup::worker
