// The last part of a worker's life: from the drain signal to the exit.
#include <algorithm>
#include <string>

#include "worker/lifecycle/core.h"
#include "worker/lifecycle/log_line.h"

namespace sup::worker {
namespace {

// At a stop nobody takes idle connections over. Their clients get this long to send a request that is on its
// way.
constexpr Duration idle_grace{1'000};

// How long before the supervisor's deadline the worker closes what is left by itself, rather than being
// killed with it.
Duration margin(Duration timeout) {
    return std::min(timeout / 2, std::max(Duration{500}, timeout / 10));
}

}  // namespace

void Core::begin_drain() {
    if (draining_) return;
    draining_ = true;
    // The packet that tells what becomes of the listeners was sent before the signal.
    if (channel_) channel_->read();
    const Status told = notify_.send("STOPPING=1");
    if (!told) log_line(told.error().message);
    for (Service* service : services_) service->drain();
    for (Served& served : served_) {
        if (retired(served.acceptor->name())) {
            served.acceptor->empty_queue([this] { check_finished(); });
        } else {
            served.acceptor->leave();
        }
    }
    arm_deadlines();
    check_finished();
}

// Nobody else will accept from this listener. Serving a queue that somebody else would serve too does no
// harm, so that is what is done when there is nobody to ask: no supervisor, or one that has died.
bool Core::retired(const std::string& listener) const {
    if (channel_ && channel_->drain()) {
        const std::vector<std::string>& gone = channel_->drain()->retired;
        return std::find(gone.begin(), gone.end(), listener) != gone.end();
    }
    return !environment_.under_sup() || (channel_ && channel_->closed());
}

// A reload, then, and not a stop: its clients will find somebody to connect to again.
bool Core::has_successor() const {
    if (channel_ && channel_->drain()) return !channel_->drain()->listeners.empty();
    return environment_.under_sup() && !(channel_ && channel_->closed());
}

void Core::arm_deadlines() {
    const Duration timeout = environment_.drain_timeout.value_or(options_.drain_timeout);
    const Duration left = margin(timeout);
    deadline_ = uv::Timer(loop_.get(), [this, left] { end_everything(left / 2); });
    deadline_.arm(timeout - left);
    if (has_successor()) return;
    grace_ = uv::Timer(loop_.get(), [this] {
        for (Service* service : services_) service->close_idle();
    });
    grace_.arm(std::min(idle_grace, timeout / 4));
}

void Core::end_everything(Duration left) {
    for (Served& served : served_) served.acceptor->leave();
    for (Service* service : services_) service->close_all(left);
    check_finished();
}

void Core::check_finished() {
    const bool accepting = std::any_of(served_.begin(), served_.end(),
                                       [](const Served& served) { return !served.acceptor->closed(); });
    if (finished_ || accepting || open_connections() > 0) return;
    finished_ = true;
    report();
    if (running_) loop_.stop();
}

void Core::report() const {
    DrainCounts counts;
    for (const Service* service : services_) counts += service->drain_counts();
    std::string line = "drained: " + std::to_string(counts.in_order) + " connections ended in order, " +
                       std::to_string(counts.at_deadline) + " closed at the deadline";
    log_line(line);
}

}  // namespace sup::worker
