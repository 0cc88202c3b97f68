#include "master/sockets/queue_watch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/count.h"

namespace sup {
namespace {

constexpr Duration until_the_old_have_left{3'000};
constexpr Duration between_looks_at_queues{250};
// So long nobody comes for those who wait before it is said.
constexpr Duration enough{2'000};
// The same where somebody is served: a request may take its time. So do servers wait that end a worker which
// hangs (gunicorn's default). Of datagrams, too: the kernel counts what was read only now and then
// (udp_rmem_release).
constexpr Duration enough_of_a_busy_one{30'000};

std::uint64_t length_of(const Listener& listener) {
    const auto queue = listener.queue();
    return queue ? queue->length : 0;
}

std::optional<QueueClients> who_waits_at(const Listener& listener) {
    const ListeningSocket& socket = *listener.socket();
    return sup::clients_of(socket.fd(), socket.bound());
}

}  // namespace

void QueueHistory::saw_clients(Duration now, std::uint64_t length, const AskClients& ask) {
    if (length == 0) return watched_.reset();
    if (!watched_) {
        watched_ = Watched{.since = now, .due = now, .clients = {}};
        return;
    }
    if (!watched_->unattended && now < watched_->due) return;
    const auto clients = ask();
    if (!clients) return watched_.reset();
    compare(now, *clients);
}

void QueueHistory::compare(Duration now, const QueueClients& clients) {
    std::vector<std::uint64_t> still;
    std::ranges::set_intersection(watched_->clients, clients.waiting, std::back_inserter(still));
    const std::size_t gone = watched_->clients.size() - still.size();
    const std::size_t gave_up = clients.gave_up - std::min(clients.gave_up, watched_->gave_up);
    const bool taken = gone > gave_up || clients.gave_up < watched_->gave_up;
    // At one address there may be several queues: those who are left wait at the one that is not emptied.
    if (taken && still.empty()) return watched_.reset();
    if (!watched_->asked || taken) {
        watched_->since = now;
        watched_->unattended = false;
    }
    if (!watched_->asked || still.empty()) still = clients.waiting;
    watched_->clients = std::move(still);
    watched_->gave_up = clients.gave_up;
    watched_->asked = true;
    const Duration patience =
        clients.somebody_is_served && now - watched_->since >= enough ? enough_of_a_busy_one : enough;
    watched_->due = watched_->since + patience;
    if (now >= watched_->due) watched_->unattended = true;
}

void QueueHistory::saw_bytes(Duration now, std::uint64_t bytes) {
    if (bytes == 0) return watched_.reset();
    if (!watched_ || bytes < watched_->bytes)
        watched_ = Watched{.since = now, .due = now + enough_of_a_busy_one, .clients = {}};
    watched_->bytes = bytes;
    if (now >= watched_->due) watched_->unattended = true;
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
    const Duration now{static_cast<Duration::rep>(uv_now(loop_))};
    if (looked_at_ && now - *looked_at_ < between_looks_at_queues) return;
    looked_at_ = now;
    const Listeners listeners = listeners_();
    forget_all_but(listeners);
    bool suspicious = false;
    for (const auto& listener : listeners) {
        const std::string before = problem_of(*listener);
        suspicious = saw(*listener, now).suspicious() || suspicious;
        const std::string problem = problem_of(*listener);
        if (before.empty() != problem.empty()) told_(*listener, problem);
    }
    if (suspicious) timer_.arm(between_looks_at_queues + Duration{1});
}

QueueHistory& QueueWatch::saw(const Listener& listener, Duration now) {
    QueueHistory& history = queues_[listener.socket()];
    const std::uint64_t length = length_of(listener);
    if (listener.kind() == "udp")
        history.saw_bytes(now, length);
    else
        history.saw_clients(now, length, [&] { return who_waits_at(listener); });
    return history;
}

std::string QueueWatch::problem_of(const Listener& listener) const {
    const auto found = queues_.find(Key{listener.socket()});
    if (found == queues_.end() || !found->second.unattended()) return {};
    const std::uint64_t waiting =
        listener.sockets().size() == 1 ? length_of(listener) : found->second.clients_left();
    if (waiting == 0) return {};
    const std::string who = "nobody accepts from " + listener.name() + ": ";
    if (listener.kind() == "udp") return who + counted(waiting, "byte") + " of datagrams wait";
    return who + counted(waiting, "client") + (waiting == 1 ? " waits" : " wait");
}

void QueueWatch::forget_all_but(const Listeners& listeners) {
    std::erase_if(queues_, [&](const auto& entry) {
        const auto socket = entry.first.lock();
        return std::ranges::none_of(listeners,
                                    [&](const auto& listener) { return listener->socket() == socket; });
    });
}

}  // namespace sup
