#include "master/notify/output_turns.h"

#include <algorithm>
#include <utility>

namespace sup {
namespace {

constexpr std::uint64_t nanoseconds_a_turn = 3'000'000;
constexpr Duration between_looks_at_waiting{100};

}  // namespace

OutputTurns::OutputTurns(uv_loop_t* loop, Log log)
    : loop_(loop),
      log_(std::move(log)),
      turn_(loop, [this] { serve(); }),
      look_(loop, [this] { look_at_waiting(); }) {}

void OutputTurns::set_wait(std::optional<Duration> wait) {
    wait_ = wait;
    if (!waiting_.empty()) look_at_waiting();
}

void OutputTurns::set_patient(OutputSource& source, bool patient) {
    source.patient_ = patient;
    if (patient || source.state_ != OutputSource::State::waiting) return;
    waiting_.remove(&source);
    make_ready(source);
}

void OutputTurns::wants_turn(OutputSource& source) {
    if (source.state_ == OutputSource::State::idle) make_ready(source);
}

void OutputTurns::forget(OutputSource& source) {
    ready_.remove(&source);
    waiting_.remove(&source);
    source.state_ = OutputSource::State::idle;
}

void OutputTurns::make_ready(OutputSource& source) {
    source.state_ = OutputSource::State::ready;
    if (ready_.empty()) turn_.start();
    ready_.push_back(&source);
}

void OutputTurns::wait(OutputSource& source) {
    source.state_ = OutputSource::State::waiting;
    if (waiting_.empty() && wait_) look_.arm(std::min(between_looks_at_waiting, *wait_));
    waiting_.push_back(&source);
}

bool OutputTurns::has_to_wait(const OutputSource& source) const {
    return source.patient_ && source.given_up_in_ != times_full_ && log_.full();
}

// Those that could not be read while there was room have waited longest.
void OutputTurns::resume() {
    ++times_full_;
    while (!waiting_.empty()) {
        OutputSource& source = *waiting_.front();
        waiting_.pop_front();
        make_ready(source);
    }
}

void OutputTurns::serve() {
    const std::uint64_t end = uv_hrtime() + nanoseconds_a_turn;
    while (!ready_.empty()) {
        OutputSource& source = *ready_.front();
        ready_.pop_front();
        source.state_ = OutputSource::State::idle;
        if (has_to_wait(source)) {
            wait(source);
            continue;
        }
        source.full_since_.reset();
        if (source.read_piece()) wants_turn(source);
        log_.piece_over();
        if (uv_hrtime() >= end) break;
    }
    if (ready_.empty()) turn_.stop();
}

// A pipe that is not full keeps nobody waiting.
void OutputTurns::look_at_waiting() {
    if (!wait_) return;
    const std::uint64_t now = uv_now(loop_);
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        OutputSource& source = **next++;
        if (!source.is_full()) {
            source.full_since_.reset();
            continue;
        }
        if (!source.full_since_) source.full_since_ = now;
        if (now - *source.full_since_ < static_cast<std::uint64_t>(wait_->count())) continue;
        waiting_.remove(&source);
        source.given_up_in_ = times_full_;
        make_ready(source);
    }
    if (!waiting_.empty()) look_.arm(between_looks_at_waiting);
}

}  // namespace sup
