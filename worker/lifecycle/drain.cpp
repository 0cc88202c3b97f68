// The last part of a worker's life: from the drain signal to the exit.
#include <algorithm>
#include <string>
#include <utility>

#include "common/count.h"
#include "common/safe_text.h"
#include "worker/lifecycle/core.h"
#include "worker/lifecycle/guarded.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// A packet that waits in the inbox for a free descriptor, while nothing else is left to do.
constexpr Duration inbox_retry{20};

}  // namespace

void Core::begin_drain() {
    if (draining_) return;
    // The packet that tells what becomes of listeners and connections was sent before the signal.
    if (channel_) channel_->read();
    draining_ = true;
    clock_.emplace(loop_.get(), drain_timeout(),
                   DrainClock::Steps{[this] { end_idle(); }, [this](Duration left) { end_everything(left); },
                                     [this] { end_hard(); }});
    tell_drain();
    counters_.set(&ScoreboardRow::accepting, 0);
    rebalance_.stop();
    for (const Registered& one : services_) one.service->drain();
    for (Served& served : served_) {
        if (retired(served.acceptor->name())) {
            served.acceptor->empty_queue([this] { check_finished(); });
        } else {
            served.acceptor->leave();
        }
    }
    // Only now: for a worker at its limit those were the last descriptors.
    const Status told = notify_.send("STOPPING=1");
    if (!told) log_line(told.error().message);
    if (inbox_) {
        const Status watched = inbox_->drain();
        if (!watched) log_line("the inbox cannot be watched: " + watched.error().message);
    }
    clock_->give_grace();
    hand_over_all();
}

void Core::on_drain(std::function<void(const Drain&)> begun) {
    if (!draining_) return on_drain_.push_back(std::move(begun));
    guarded("a callback given to Worker::on_drain", [&] { begun(*drain()); });
}

// Who is called may ask for another call, or ask for nothing any more.
void Core::tell_drain() {
    for (const auto& begun : std::exchange(on_drain_, {}))
        guarded("a callback given to Worker::on_drain", [&] { begun(*drain()); });
}

std::optional<Drain> Core::drain() const {
    if (!draining_) return std::nullopt;
    return Drain{clock_->left(), has_successor()};
}

Duration Core::drain_timeout() const {
    return environment_.drain_timeout.value_or(options_.drain_timeout);
}

// Nobody else will accept from this listener. Serving a queue that somebody else would serve too does no
// harm, so that is what is done when there is nobody to ask: no supervisor, one that has died, or no channel
// to it yet.
bool Core::retired(const std::string& listener) const {
    if (told_)
        return std::find(told_->retired.begin(), told_->retired.end(), listener) != told_->retired.end();
    if (!environment_.under_sup()) return true;
    return channel_ ? channel_->closed() : serving_;
}

// A reload, then, and not a stop: its clients will find somebody to connect to again.
bool Core::has_successor() const {
    if (told_) return !told_->listeners.empty();
    return environment_.under_sup() && !(channel_ && channel_->closed());
}

// Of whom nobody takes over. Who was told of another successor since has it.
void Core::end_idle() {
    for (const Registered& one : services_) {
        if (!has_successor() || (successor_ && !successor_reads(one.service->spoken())))
            one.service->close_idle();
    }
}

void Core::end_everything(Duration left) {
    past_deadline_ = true;
    successor_.reset();
    // What is still in there is not this worker's to end: peers may take it, or the master moves it on.
    inbox_.reset();
    for (Served& served : served_) served.acceptor->leave();
    for (const Registered& one : services_) one.service->close_all(left);
    lingering_.end_all();
    check_finished();
}

bool Core::all_ended() const {
    const bool accepting = std::any_of(served_.begin(), served_.end(),
                                       [](const Served& served) { return !served.acceptor->closed(); });
    return !accepting && open_connections() == 0 && lingering_.size() == 0 &&
           (past_deadline_ || offload_.under_way() == 0);
}

void Core::check_finished() {
    // What is taken out of the inbox below may end at once, which leads here again.
    if (checking_ || finished_ || !draining_ || !all_ended()) return;
    checking_ = true;
    if (channel_) channel_->read();
    const bool emptied = !inbox_ || leaves_inbox_to_peers() || inbox_->empty_now();
    checking_ = false;
    if (!all_ended()) return;
    if (!emptied) {
        finish_ = uv::Timer(loop_.get(), [this] { check_finished(); });
        return finish_.arm(inbox_retry);
    }
    finish();
}

void Core::finish() {
    finished_ = true;
    if (inbox_) inbox_->stop();
    report();
    if (running_) loop_.stop();
}

// Connections that are somebody's to close, and were not.
void Core::end_hard() {
    if (finished_) return;
    for (const Registered& one : services_) {
        const std::size_t left = one.service->open_connections();
        if (left == 0) continue;
        counters_.add(&ScoreboardRow::closed, left);
        log_line("the drain's time is over, and " + counted(left, "connection") + " of protocol \"" +
                 safe_text(one.service->spoken().protocol) + (left == 1 ? "\" was" : "\" were") +
                 " not closed; the worker ends all the same");
    }
    if (offload_.under_way() > 0)
        log_line("the drain's time is over, and " + counted(offload_.under_way(), "piece") +
                 " of work given to Worker::offload is not done; what follows is dropped");
    finish();
}

void Core::report() const {
    const auto count = [this](Counters::Counter counter) { return std::to_string(counters_.get(counter)); };
    log_line("drained: " + counted(counters_.get(&ScoreboardRow::handed_over), "connection") +
             " handed over, " + count(&ScoreboardRow::taken) + " taken in this worker's life, " +
             count(&ScoreboardRow::drained) + " ended in order, " + count(&ScoreboardRow::closed) +
             " closed at the deadline");
}

}  // namespace sup::worker
