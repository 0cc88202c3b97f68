#include "master/queue_watch.h"

#include <algorithm>
#include <utility>

#include "common/count.h"

namespace sup {
namespace {

constexpr Duration until_the_old_have_left{3'000};
constexpr Duration between_looks{250};

std::uint64_t length_of(const ListeningSocket& socket) {
    const auto queue = socket.queue();
    return queue ? queue->length : 0;
}

}  // namespace

void QueueHistory::saw(std::uint64_t length) {
    const bool untouched = length > 0 && length >= last_;
    looks_ = untouched ? std::min(looks_ + 1, enough_looks) : length > 0 ? 1 : 0;
    last_ = length;
}

QueueWatch::QueueWatch(uv_loop_t* loop, std::function<Listeners()> listeners, Told told)
    : loop_(loop),
      listeners_(std::move(listeners)),
      told_(std::move(told)),
      timer_(loop, [this] { look(); }) {}

void QueueWatch::look_later() {
    timer_.arm(until_the_old_have_left);
}

void QueueWatch::look() {
    uv_update_time(loop_);
    const std::uint64_t now = uv_now(loop_);
    if (looked_at_ && now - *looked_at_ < static_cast<std::uint64_t>(between_looks.count())) return;
    looked_at_ = now;
    const Listeners listeners = listeners_();
    forget_all_but(listeners);
    bool suspicious = false;
    for (const auto& listener : listeners) {
        const std::string before = problem_of(*listener);
        for (const auto& socket : listener->sockets()) {
            QueueHistory& history = queues_[socket];
            history.saw(length_of(*socket));
            suspicious = suspicious || history.suspicious();
        }
        const std::string problem = problem_of(*listener);
        if (before.empty() != problem.empty()) told_(*listener, problem);
    }
    if (suspicious) timer_.arm(between_looks + Duration{1});
}

std::string QueueWatch::problem_of(const Listener& listener) const {
    std::uint64_t waiting = 0;
    bool unattended = false;
    for (const auto& socket : listener.sockets()) {
        const auto found = queues_.find(socket);
        if (found == queues_.end() || !found->second.unattended()) continue;
        unattended = true;
        waiting += length_of(*socket);
    }
    if (!unattended) return {};
    const std::string who = "nobody accepts from " + listener.name() + ": ";
    if (listener.kind() == "udp") return who + counted(waiting, "byte") + " of datagrams wait";
    return who + counted(waiting, "client") + (waiting == 1 ? " waits" : " wait");
}

void QueueWatch::forget_all_but(const Listeners& listeners) {
    std::erase_if(queues_, [&](const auto& entry) {
        const auto socket = entry.first.lock();
        return std::ranges::none_of(listeners, [&](const auto& listener) {
            return std::ranges::find(listener->sockets(), socket) != listener->sockets().end();
        });
    });
}

}  // namespace sup
