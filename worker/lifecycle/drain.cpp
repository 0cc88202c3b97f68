// The last part of a worker's life: from the drain signal to the exit.
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

void tell_left(std::size_t count, const std::string& what) {
    if (count == 0) return;
    log_line("the drain's time is up, and " + what + (count == 1 ? " is" : " are") +
             " not finished; the worker exits anyway");
}

}  // namespace

void Core::begin_drain() {
    if (draining()) return;
    // The packet that tells what becomes of listeners and connections was sent before the signal.
    read_channel();
    const bool served = stage_ == Stage::serving;
    stage_ = Stage::draining;
    handover_.drain();
    clock_.emplace(loop_.get(), drain_timeout(),
                   DrainClock::Steps{[this] { end_idle(); }, [this](Duration left) { end_everything(left); },
                                     [this] { end_hard(); }});
    tell_drain();
    counters_.set(&ScoreboardRow::accepting, 0);
    rebalance_.stop();
    services_.each([](Service& service) { service.drain(); });
    close_listeners(served);
    // Only now: for a worker at its limit those were the last descriptors.
    const Status told = notify_.send("STOPPING=1");
    if (!told) log_line(told.error().message);
    handover_.leave_inbox();
    succession_changed();
}

// A retired one nobody else will accept from. Serving a queue that somebody else would serve too does no
// harm, so that is what is done when there is nobody to ask: no supervisor, one that has died, or no channel
// to it yet.
void Core::close_listeners(bool served) {
    const bool nobody_to_ask = !environment_.under_sup() || (channel_ ? channel_->closed() : served);
    services_.each_acceptor([&](Acceptor& acceptor) {
        if (handover_.retired(acceptor.name()).value_or(nobody_to_ask)) {
            acceptor.empty_queue([this] { check_finished(); });
        } else {
            acceptor.leave();
        }
    });
}

void Core::on_drain(std::function<void(const Drain&)> begun) {
    if (!draining()) return on_drain_.push_back(std::move(begun));
    guarded("a callback given to Worker::on_drain", [&] { begun(*drain()); });
}

// A callback may ask for another call, or cancel its own.
void Core::tell_drain() {
    for (const auto& begun : std::exchange(on_drain_, {}))
        guarded("a callback given to Worker::on_drain", [&] { begun(*drain()); });
}

std::optional<Drain> Core::drain() const {
    if (!clock_) return std::nullopt;
    return Drain{clock_->left(), has_successor()};
}

Duration Core::drain_timeout() const {
    return environment_.drain_timeout.value_or(options_.drain_timeout);
}

// A reload, then, and not a stop: its clients will find somebody to connect to again.
bool Core::has_successor() const {
    const bool likely = environment_.under_sup() && !(channel_ && channel_->closed());
    return handover_.succeeded().value_or(likely);
}

void Core::succession_changed() {
    clock_->give_grace();
    hand_over_all();
}

void Core::hand_over_all() {
    services_.each([](Service& service) { service.hand_over(); });
    check_finished();
}

// Those that nobody takes over. One that has since been told of another successor has it.
void Core::end_idle() {
    services_.each([this](Service& service) {
        if (ends_idle(service.spoken())) service.close_idle();
    });
}

bool Core::ends_idle(const Spoken& spoken) const {
    return clock_ && clock_->grace_is_over() && (!has_successor() || handover_.is_unreadable(spoken));
}

void Core::end_everything(Duration left) {
    if (stage_ == Stage::draining) stage_ = Stage::past_deadline;
    handover_.give_up();
    services_.each_acceptor([](Acceptor& acceptor) { acceptor.leave(); });
    services_.each([left](Service& service) { service.close_all(left); });
    lingering_.end_all();
    check_finished();
}

bool Core::all_ended() const {
    const bool waits_for_work = stage_ == Stage::draining && offload_.under_way() > 0;
    return !services_.accepting() && services_.open_connections() == 0 && lingering_.size() == 0 &&
           !waits_for_work;
}

void Core::check_finished() {
    // What is taken out of the inbox below may end at once, which leads here again.
    if (checking_ || !draining() || stage_ >= Stage::finished || !all_ended()) return;
    checking_ = true;
    read_channel();
    const bool emptied = handover_.emptied();
    checking_ = false;
    if (!all_ended()) return;
    if (!emptied) return check_finished_later(inbox_retry);
    finish();
}

void Core::check_finished_later(Duration delay) {
    finish_ = uv::Timer(loop_.get(), [this] { check_finished(); });
    finish_.arm(delay);
}

void Core::finish() {
    stage_ = Stage::finished;
    handover_.stop();
    unreadable_.tell_now();
    report();
    loop_.stop();
}

// What should have been ended by its owner, and was not.
void Core::end_hard() {
    if (stage_ >= Stage::finished) return;
    services_.each([this](Service& service) {
        const std::size_t left = service.open_connections();
        counters_.add(&ScoreboardRow::closed, left);
        tell_left(left, counted(left, "connection") + " of protocol \"" +
                            safe_text(service.spoken().protocol) + "\"");
    });
    tell_left(offload_.under_way(), counted(offload_.under_way(), "piece") + " of offloaded work");
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
